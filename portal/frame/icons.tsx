/** The outlines of the icons, in a square of 24 units. */
const OUTLINES = {
  studies: 'M4 5h16v14H4z M4 9h16 M9 9v10',
  images: 'M4 5h16v14H4z M7 16l4-5 3 3 2-2 3 4 M15.5 9h.01',
  looked:
    'M2.5 12S6 6 12 6s9.5 6 9.5 6-3.5 6-9.5 6S2.5 12 2.5 12z M12 14.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z',
  imports: 'M12 4v10 M8 10l4 4 4-4 M4 16v4h16v-4',
  words: 'M4 6h16 M4 12h10 M4 18h7 M17 15v5 M14.5 17.5h5',
  reviews:
    'M8 7a3 3 0 1 0 0 .01 M16 7a3 3 0 1 0 0 .01 M3 19c0-4 2-6 5-6s5 2 5 6 M13 14c1-.7 2-1 3-1 3 0 5 2 5 6',
  people:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z M2.5 20c0-4 2.5-6 6.5-6s6.5 2 6.5 6 M16 5a3 3 0 0 1 0 6 M17 14c3 0 4.5 2 4.5 6',
  groups: 'M4 4h7v7H4z M13 4h7v7h-7z M4 13h7v7H4z M13 13h7v7h-7z',
  machines: 'M4 5h16v10H4z M9 20h6 M12 15v5',
  explain:
    'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.700 M12 17h.01',
  audit: 'M6 3h9l4 4v14H6z M14 3v5h5 M9 12h7 M9 16h7',
  system: 'M4 5h16v5H4z M4 14h16v5H4z M7.5 7.5h.01 M7.5 16.5h.01',
  quarantine: 'M12 3l9 16H3z M12 9v5 M12 16.5h.01',
  profile: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8z M4 21c0-5 3-7 8-7s8 2 8 7',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13z M15.5 15.5L20 20',
  collapse: 'M14 6l-6 6 6 6',
  expand: 'M10 6l6 6-6 6',
  open: 'M10 5H5v14h14v-5 M13 4h7v7 M20 4l-9 9',
  close: 'M6 6l12 12 M18 6L6 18',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8z M12 2v3 M12 19v3 M2 12h3 M19 12h3 M5 5l2 2 M17 17l2 2 M19 5l-2 2 M7 17l-2 2',
  download: 'M12 4v11 M7.5 10.500l4.500 4.500 4.500-4.500 M4 20h16',
  upload: 'M12 16V5 M7.5 9.500L12 5l4.500 4.500 M4 20h16',
  up: 'M6 15l6-6 6 6',
  columns: 'M4 5h16v14H4z M9.500 5v14 M14.500 5v14',
  copy: 'M9 9h11v11H9z M5 15H4V4h11v1',
} as const;

export type IconName = keyof typeof OUTLINES;

/** An icon. It is hidden from screen readers, so a text must stand beside it. */
export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.7}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={OUTLINES[name]} />
    </svg>
  );
}
