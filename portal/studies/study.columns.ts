import type { paths } from 'interface';

/** The orders that the interface offers. A preceding `-` means descending. */
export type StudyOrder = NonNullable<
  NonNullable<paths['/api/studies']['get']['parameters']['query']>['sort']
>;

/** A column of the list. It is at least `rem` wide, and gets this share of the free width. `first` is the order of the first click. */
interface ColumnShape {
  readonly rem: number;
  readonly share: number;
  readonly first: StudyOrder;
  readonly second: StudyOrder;
}

const COLUMNS = {
  patient: { rem: 10, share: 2, first: 'patient', second: '-patient' },
  patientId: { rem: 7, share: 1, first: 'patient_id', second: '-patient_id' },
  birthDate: { rem: 8, share: 0, first: '-birth_date', second: 'birth_date' },
  date: { rem: 7.5, share: 0, first: '-date', second: 'date' },
  modalities: { rem: 6.5, share: 0, first: 'modality', second: '-modality' },
  description: { rem: 9, share: 2, first: 'description', second: '-description' },
  accession: { rem: 7.5, share: 1, first: 'accession', second: '-accession' },
  institution: { rem: 8, share: 1, first: 'institution', second: '-institution' },
  images: { rem: 5, share: 0, first: '-images', second: 'images' },
} as const satisfies Record<string, ColumnShape>;

export type ColumnName = keyof typeof COLUMNS;
/** All columns in their usual order. */
export const COLUMN_NAMES: readonly ColumnName[] = [
  'patient',
  'patientId',
  'birthDate',
  'date',
  'modalities',
  'description',
  'accession',
  'institution',
  'images',
];
const USUAL = COLUMN_NAMES.filter((name) => name !== 'institution');
/** The columns that a narrow list leaves out, one after the other. */
const LEFT_OUT: readonly ColumnName[] = [
  'institution',
  'birthDate',
  'accession',
  'patientId',
  'images',
  'description',
];
/** The columns on a phone, where each study has two lines. */
export const PHONE_COLUMNS: readonly ColumnName[] = ['patient', 'date', 'modalities', 'description'];
const PICTURE_REM = 3.25;

/** Returns the orders of a column: of the first click, and of the second. */
export function ordersOf(column: ColumnName): readonly [first: StudyOrder, second: StudyOrder] {
  const { first, second } = COLUMNS[column];
  return [first, second];
}

/** Returns a text as an order. A text that is no order is undefined. */
export function studyOrder(value: unknown): StudyOrder | undefined {
  return COLUMN_NAMES.flatMap(ordersOf).find((order) => order === value);
}

/** Returns the columns for which a list of this width has room. */
export function fitting(columns: readonly ColumnName[], rem: number): readonly ColumnName[] {
  let fits = columns;
  for (const name of LEFT_OUT) {
    const width = fits.reduce((sum, column) => sum + COLUMNS[column].rem, PICTURE_REM);
    if (width <= rem) return fits;
    fits = fits.filter((column) => column !== name);
  }
  return fits;
}

/** Returns the widths of the columns for `grid-template-columns`. */
export function tracksOf(columns: readonly ColumnName[]): string {
  return [`${PICTURE_REM}rem`, ...columns.map((name) => trackOf(COLUMNS[name]))].join(' ');
}

function trackOf({ rem, share }: ColumnShape): string {
  return share === 0 ? `${rem}rem` : `minmax(${rem}rem, ${share}fr)`;
}

const KEPT = 'radgate-columns';
const listeners = new Set<() => void>();
let chosen = read(localStorage.getItem(KEPT));

/** Reads the kept names. Names that no column has are ignored, and the patient's name is always shown. */
function read(text: string | null): readonly ColumnName[] {
  const names = (text ?? '').split(' ').flatMap((each) => COLUMN_NAMES.filter((name) => name === each));
  if (names.length === 0) return USUAL;
  return names.includes('patient') ? [...new Set(names)] : ['patient', ...new Set(names)];
}

/** The columns that the person has chosen, in their order. */
export function chosenColumns(): readonly ColumnName[] {
  return chosen;
}

/** Keeps the choice in this browser. Without names, the usual columns are shown again. */
export function chooseColumns(names: readonly ColumnName[]): void {
  chosen = names.length === 0 ? USUAL : names;
  if (names.length === 0) localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, names.join(' '));
  for (const listener of listeners) listener();
}

/** Calls `listener` after each change. Returns a function that ends this. */
export function onColumns(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
