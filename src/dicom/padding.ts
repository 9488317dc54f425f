/**
 * Removes spaces from both ends of a text. DICOM pads texts with spaces only (PS3.5 §6.2). Other white space is significant: two PatientIDs that
 * differ in a no-break space, a tab, a line feed or a byte order mark belong to two patients. Grants, links, searches and the catalog all
 * use this function.
 */
export function trimPadding(text: string): string {
  return text.replace(/^ +/, '').replace(/(?<! ) +$/, '');
}

/** Removes the padding around each value of a text. Backslashes separate the values. */
export function trimValues(text: string): string {
  return text.split('\\').map(trimPadding).join('\\');
}
