import type { RecordType } from './record.types.js';
import type { Selection } from '../selected.reader.js';

/** A key of a directory record. Its value is copied from the file. */
export interface RecordKey {
  readonly tag: number;
  readonly vr: string;
  /** 1: if the file has no value, `others` or `fallback` gives one. 2: the key can be empty. 3: without a value, the key is left out. */
  readonly type: 1 | 2 | 3;
  /** Elements whose value is used if the file has no value, in order. */
  readonly others?: readonly number[];
  /** The value if the file has none. `#` is the position of the record among its siblings, from 1. */
  readonly fallback?: string;
  /** The keys in the items of a sequence. */
  readonly items?: readonly RecordKey[];
}

const NO_DATE = '19000101';
const NO_TIME = '000000';
const [SERIES_DATE, SERIES_TIME, STUDY_DATE, STUDY_TIME] = [0x00080021, 0x00080031, 0x00080020, 0x00080030];
const [CREATED_DATE, CREATED_TIME, CONTENT_DATE, CONTENT_TIME] = [
  0x00080012, 0x00080013, 0x00080023, 0x00080033,
];

const needed = (tag: number, vr: string, fallback: string, others: readonly number[] = []): RecordKey => ({
  tag,
  vr,
  type: 1,
  others,
  fallback,
});
const dateOf = (tag: number) => needed(tag, 'DA', NO_DATE, [CREATED_DATE, SERIES_DATE, STUDY_DATE]);
const timeOf = (tag: number) => needed(tag, 'TM', NO_TIME, [CREATED_TIME, SERIES_TIME, STUDY_TIME]);
const maybeEmpty = (tag: number, vr: string): RecordKey => ({ tag, vr, type: 2 });
const ifKnown = (tag: number, vr: string): RecordKey => ({ tag, vr, type: 3 });
const sequence = (tag: number, ...items: RecordKey[]): RecordKey => ({ tag, vr: 'SQ', type: 3, items });

/** Specific Character Set. Each record has the one of its file, because its values have the bytes of the file. */
const CHARACTER_SET = ifKnown(0x00080005, 'CS');
const NUMBER = needed(0x00200013, 'IS', '#');
const CONTENT = [dateOf(CONTENT_DATE), timeOf(CONTENT_TIME)];
const CODE = [
  ifKnown(0x00080100, 'SH'),
  ifKnown(0x00080102, 'SH'),
  ifKnown(0x00080103, 'SH'),
  ifKnown(0x00080104, 'LO'),
  ifKnown(0x00080119, 'UC'),
  ifKnown(0x00080120, 'UR'),
];
const TITLE = sequence(0x0040a043, ...CODE);
/** The items that modify the title of a document, with their codes. Other items have other relationships and are left out. */
export const CONTENT_SEQUENCE = 0x0040a730;
export const RELATIONSHIP = 0x0040a010;
const MODIFIERS = sequence(
  CONTENT_SEQUENCE,
  ifKnown(RELATIONSHIP, 'CS'),
  ifKnown(0x0040a040, 'CS'),
  TITLE,
  sequence(0x0040a168, ...CODE),
  ifKnown(0x0040a160, 'UT'),
);
const IDENTIFICATION = [
  NUMBER,
  needed(0x00700080, 'CS', 'UNKNOWN'),
  maybeEmpty(0x00700081, 'LO'),
  maybeEmpty(0x00700084, 'PN'),
];
const REFERENCED_SERIES = sequence(
  0x00081115,
  ifKnown(0x0020000e, 'UI'),
  sequence(0x00081140, ifKnown(0x00081150, 'UI'), ifKnown(0x00081155, 'UI'), ifKnown(0x00081160, 'IS')),
);

/** The keys of a PATIENT record (PS3.3 §F.5.1). */
export const PATIENT_KEYS = [
  CHARACTER_SET,
  maybeEmpty(0x00100010, 'PN'),
  needed(0x00100020, 'LO', 'UNKNOWN'),
  ifKnown(0x00100030, 'DA'),
  ifKnown(0x00100040, 'CS'),
];

/** The keys of a STUDY record (PS3.3 §F.5.2). */
export const STUDY_KEYS = [
  CHARACTER_SET,
  needed(STUDY_DATE, 'DA', NO_DATE, [SERIES_DATE, CONTENT_DATE, CREATED_DATE]),
  needed(STUDY_TIME, 'TM', NO_TIME, [SERIES_TIME, CONTENT_TIME, CREATED_TIME]),
  maybeEmpty(0x00080050, 'SH'),
  maybeEmpty(0x00081030, 'LO'),
  needed(0x00200010, 'SH', '#'),
];

/** The keys of a SERIES record (PS3.3 §F.5.3). */
export const SERIES_KEYS = [
  CHARACTER_SET,
  needed(0x00080060, 'CS', 'OT'),
  ifKnown(SERIES_DATE, 'DA'),
  ifKnown(SERIES_TIME, 'TM'),
  ifKnown(0x0008103e, 'LO'),
  needed(0x00200011, 'IS', '#'),
];

const DATED = [...CONTENT, ...IDENTIFICATION];

/** The keys of the records below SERIES (PS3.3 §F.5.4 and following). */
const BELOW_SERIES: Readonly<Record<RecordType, readonly RecordKey[]>> = {
  IMAGE: [ifKnown(0x00080008, 'CS'), NUMBER],
  'RT DOSE': [NUMBER, needed(0x3004000a, 'CS', 'PLAN')],
  'RT STRUCTURE SET': [
    NUMBER,
    needed(0x30060002, 'SH', 'UNKNOWN'),
    maybeEmpty(0x30060008, 'DA'),
    maybeEmpty(0x30060009, 'TM'),
  ],
  'RT PLAN': [
    NUMBER,
    needed(0x300a0002, 'SH', 'UNKNOWN'),
    maybeEmpty(0x300a0006, 'DA'),
    maybeEmpty(0x300a0007, 'TM'),
  ],
  'RT TREAT RECORD': [NUMBER, maybeEmpty(0x30080250, 'DA'), maybeEmpty(0x30080251, 'TM')],
  RADIOTHERAPY: [
    NUMBER,
    ...CONTENT,
    ifKnown(0x30100033, 'SH'),
    ifKnown(0x30100034, 'LO'),
    maybeEmpty(0x00700081, 'LO'),
    maybeEmpty(0x00700084, 'PN'),
  ],
  PRESENTATION: [
    ...IDENTIFICATION,
    dateOf(0x00700082),
    timeOf(0x00700083),
    REFERENCED_SERIES,
    sequence(0x00700402, ifKnown(0x0020000d, 'UI'), REFERENCED_SERIES),
  ],
  WAVEFORM: [NUMBER, ...CONTENT],
  'SR DOCUMENT': [
    NUMBER,
    needed(0x0040a491, 'CS', 'PARTIAL'),
    needed(0x0040a493, 'CS', 'UNVERIFIED'),
    ...CONTENT,
    ifKnown(0x0040a030, 'DT'),
    TITLE,
    MODIFIERS,
  ],
  'KEY OBJECT DOC': [NUMBER, ...CONTENT, TITLE, MODIFIERS],
  MEASUREMENT: DATED,
  SPECTROSCOPY: [
    needed(0x00080008, 'CS', 'ORIGINAL\\PRIMARY'),
    ...CONTENT,
    NUMBER,
    sequence(0x00089092, ifKnown(0x00081150, 'UI'), ifKnown(0x00081155, 'UI')),
    needed(0x00280008, 'IS', '1'),
    needed(0x00280010, 'US', '1'),
    needed(0x00280011, 'US', '1'),
    needed(0x00289001, 'UL', '1'),
    needed(0x00289002, 'UL', '1'),
  ],
  'RAW DATA': [...CONTENT, maybeEmpty(0x00200013, 'IS')],
  REGISTRATION: DATED,
  FIDUCIAL: DATED,
  SURFACE: DATED,
  TRACT: DATED,
  'VALUE MAP': DATED,
  'SURFACE SCAN': CONTENT,
  STEREOMETRIC: IDENTIFICATION,
  ASSESSMENT: [NUMBER, dateOf(CREATED_DATE), timeOf(CREATED_TIME)],
  ANNOTATION: DATED,
  'ENCAP DOC': [
    maybeEmpty(CONTENT_DATE, 'DA'),
    maybeEmpty(CONTENT_TIME, 'TM'),
    NUMBER,
    maybeEmpty(0x00420010, 'ST'),
    { ...TITLE, type: 2 },
    // The type stands after the document in the file. The directory takes it from the SOP Class.
    needed(0x00420012, 'LO', 'application/octet-stream'),
  ],
};

/** The keys of a record of this type, by their tags. */
export function recordKeysOf(type: RecordType): readonly RecordKey[] {
  return [CHARACTER_SET, ...BELOW_SERIES[type]];
}

/** The elements of a file that its directory records need. */
export const DIRECTORY_SELECTION: Selection = selectionOf([
  ...PATIENT_KEYS,
  ...STUDY_KEYS,
  ...SERIES_KEYS,
  ...Object.values(BELOW_SERIES).flat(),
]);

function selectionOf(keys: readonly RecordKey[]): Selection {
  const selection = new Map<number, 'value' | Selection>();
  for (const { tag, items, others = [] } of keys) {
    for (const other of others) if (!selection.has(other)) selection.set(other, 'value');
    selection.set(tag, items === undefined ? 'value' : selectionOf(items));
  }
  return selection;
}
