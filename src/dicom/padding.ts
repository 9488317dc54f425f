/**
 * Removes spaces from both ends of a text. DICOM pads texts with spaces only (PS3.5 §6.2). Other white space is significant: two PatientIDs that
 * differ in a no-break space, a tab, a line feed or a byte order mark belong to two patients. Grants, links, searches and the catalog all
 * use this function.
 */
export function trimPadding(text: string): string {
  return text.replace(/^ +/, '').replace(/(?<! ) +$/, '');
}

/** Removes spaces and NUL characters from the end of a text. The lookbehind keeps the time linear: without it, it is quadratic for long runs. */
export function trimEndPadding(text: string): string {
  return text.replace(/(?<![ \0])[ \0]+$/, '');
}

/** Removes spaces and NUL characters from both ends of a text, in linear time. */
export function trimSpacesAndNul(text: string): string {
  return trimEndPadding(text.replace(/^[ \0]+/, ''));
}

/** Removes the padding around each value of a text. Backslashes separate the values. */
export function trimValues(text: string): string {
  return text.split('\\').map(trimPadding).join('\\');
}
