/**
 * A text without the padding of DICOM around it: spaces (PS3.5 §6.2), and nothing else. Two PatientIDs that differ in a no-break space, a tab, a
 * line feed or a byte order mark are two patients. Grants, links, searches and the catalog use this one function.
 */
export function trimPadding(text: string): string {
  return text.replace(/^ +/, '').replace(/(?<! ) +$/, '');
}

/** The same for an element with several values, each by itself. */
export function trimValues(text: string): string {
  return text.split('\\').map(trimPadding).join('\\');
}
