const STORAGE = '1.2.840.10008.5.1.4.1.1.';

/** The types of the directory records below SERIES (PS3.3 §F.4) that the objects of a study can have. */
export type RecordType = (typeof TYPES)[number][0] | 'IMAGE';

/** SOP Classes by record type, as regular expressions for the end of the UID. All other SOP Classes are images. */
const TYPES = [
  ['RT DOSE', '481\\.2'],
  ['RT STRUCTURE SET', '481\\.3'],
  ['RT PLAN', '481\\.[58]'],
  ['RT TREAT RECORD', '481\\.[4679]'],
  ['RADIOTHERAPY', '481\\.(1\\d|2[0-25])'],
  ['PRESENTATION', '(11\\.\\d+|131)'],
  ['WAVEFORM', '9\\.\\d+\\.\\d+'],
  ['KEY OBJECT DOC', '88\\.59'],
  ['SR DOCUMENT', '(88\\.\\d+|70\\.1|78\\.6|79\\.1)'],
  ['MEASUREMENT', '(78\\.[1-578]|80\\.1)'],
  ['SPECTROSCOPY', '4\\.2'],
  ['RAW DATA', '66'],
  ['REGISTRATION', '66\\.[13]'],
  ['FIDUCIAL', '66\\.2'],
  ['SURFACE', '66\\.5'],
  ['TRACT', '66\\.6'],
  ['VALUE MAP', '67'],
  ['SURFACE SCAN', '68\\.\\d'],
  ['STEREOMETRIC', '77\\.1\\.5\\.3'],
  ['ASSESSMENT', '90\\.1'],
  ['ANNOTATION', '91\\.1'],
  ['ENCAP DOC', '104\\.\\d'],
] as const;

const PATTERNS = TYPES.map(([type, end]) => [type, new RegExp(`^${end}$`)] as const);

/** Returns the type of the directory record for an instance of this SOP Class. Unknown SOP Classes are images. */
export function recordTypeOf(sopClassUid: string): RecordType {
  if (!sopClassUid.startsWith(STORAGE)) return 'IMAGE';
  const end = sopClassUid.slice(STORAGE.length);
  return PATTERNS.find(([, pattern]) => pattern.test(end))?.[0] ?? 'IMAGE';
}
