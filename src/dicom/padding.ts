/**
 * Removes the padding of DICOM around a text, which is spaces only (PS3.5 §6.2). Two PatientIDs that differ in a no-break space, a tab, a line
 * feed or a byte order mark are two patients. Grants, links, searches and the catalog all use this function.
 */
export function trimPadding(text: string): string {
  return text.replace(/^ +/, '').replace(/(?<! ) +$/, '');
}

/** Removes the padding around each value of an element. */
export function trimValues(text: string): string {
  return text.split('\\').map(trimPadding).join('\\');
}
