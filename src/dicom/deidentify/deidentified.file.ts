import { DicomUnreadable } from '../dicom.unreadable.js';
import { LONGEST_HEADER, openFile, type SourceOfBytes } from '../data.set.bytes.js';
import { encodeHead } from '../data.set.recoder.js';
import { EXPLICIT_LITTLE, PIXEL_DATA } from '../element.decoder.js';
import { encodeElement, itemHead } from '../media/directory.values.js';
import { trimSpacesAndNul } from '../padding.js';
import { EXPLICIT_LITTLE_ENDIAN } from '../transfer.syntaxes.js';
import { type Cleaning, Deidentifier } from './deidentifier.js';
import { CLAIM, methodCodes } from './deidentification.options.js';
import { type HeldBackReason, heldBackReasons } from './held.back.js';

/** The UID of this software in the files that it writes (PS3.10 §7.1). */
const IMPLEMENTATION_CLASS = '2.25.302887641098730962348871290563412239';
const FIRST_PIXELS = 0x7fe00000;
const FACTS = {
  sopClass: 0x00080016,
  instance: 0x00080018,
  imageType: 0x00080008,
  bodyPart: 0x00180015,
  burnedIn: 0x00280301,
  recognizable: 0x00280302,
};

/** A request for a copy that a person has to release first. */
export class HeldBack extends Error {
  constructor(readonly reasons: readonly HeldBackReason[]) {
    super(`held back: ${reasons.join(', ')}`);
  }
}

/** A patient for whom a pseudonym is made. */
export interface CopiedPatient {
  readonly issuer: string;
  readonly patientId: string;
}

/**
 * Writes the de-identified copy of a file (PS3.15 §E.1) in Explicit VR Little Endian. `file`: a DICOM file in the same transfer syntax.
 * `storedSyntax`: the transfer syntax in the archive. The header is read completely before the first byte is written. Throws `HeldBack` when
 * the copy needs a release, and `DicomUnreadable` when the file cannot be read.
 */
export async function* deidentifiedFile(
  file: SourceOfBytes,
  patient: CopiedPatient,
  cleaning: Omit<Cleaning, 'days'>,
  storedSyntax: string,
): AsyncGenerator<Buffer> {
  const opened = await openFile(file);
  try {
    if (opened.transferSyntax !== EXPLICIT_LITTLE_ENDIAN)
      throw new DicomUnreadable('structure', 'the file must be in Explicit VR Little Endian');
    const days = cleaning.pseudonyms.days(patient.issuer, patient.patientId);
    const elements = new Deidentifier(opened.dataSet, { ...cleaning, days }).elements();
    const facts = new Map<number, string>();
    const added = addedElements(patient, cleaning);
    const header: Buffer[] = [];
    let hasOverlays = false;
    let size = 0;
    let isHeader = true;
    const begin = function* (): Generator<Buffer> {
      const reasons = heldBackReasons({ ...appearanceOf(facts), hasOverlays, transferSyntax: storedSyntax });
      if (reasons.length > 0) throw new HeldBack(reasons);
      yield newBeginning((tag) => cleaning.pseudonyms.uid(facts.get(tag) ?? ''));
      yield* header;
      isHeader = false;
    };
    for await (const { tag, stored, pieces } of elements) {
      if (tag >>> 24 === 0x60) hasOverlays = true;
      if (stored !== undefined) facts.set(tag, trimSpacesAndNul(stored.toString('latin1')));
      if (isHeader && tag >= FIRST_PIXELS) {
        header.push(...added.upTo(tag));
        yield* begin();
      }
      if (isHeader) header.push(...added.upTo(tag));
      else yield* added.upTo(tag);
      for await (const piece of pieces) {
        if (added.has(tag)) continue;
        if (!isHeader) yield piece;
        else if ((size += piece.length) <= LONGEST_HEADER) header.push(piece);
        else throw new DicomUnreadable('too-large', 'the header is longer than allowed');
      }
    }
    if (isHeader) {
      header.push(...added.upTo(PIXEL_DATA));
      yield* begin();
    }
  } finally {
    opened.close();
  }
}

function appearanceOf(facts: ReadonlyMap<number, string>) {
  const fact = (tag: number) => facts.get(tag) ?? '';
  return {
    sopClassUid: fact(FACTS.sopClass),
    imageType: fact(FACTS.imageType).split('\\'),
    bodyPart: fact(FACTS.bodyPart),
    burnedIn: fact(FACTS.burnedIn),
    recognizable: fact(FACTS.recognizable),
  };
}

/** The elements that every copy has, in ascending order. They replace elements of the original. */
function addedElements(patient: CopiedPatient, { pseudonyms, options }: Omit<Cleaning, 'days'>) {
  const pseudonym = pseudonyms.patient(patient.issuer, patient.patientId);
  const codes = methodCodes(options).map(([value, meaning]) => {
    const item = Buffer.concat([
      encodeElement(0x00080100, 'SH', value),
      encodeElement(0x00080102, 'SH', 'DCM'),
      encodeElement(0x00080104, 'LO', meaning),
    ]);
    return Buffer.concat([itemHead(item.length), item]);
  });
  const sequence = Buffer.concat(codes);
  const elements: readonly (readonly [number, Buffer])[] = [
    [0x00100010, encodeElement(0x00100010, 'PN', pseudonym)],
    [0x00100020, encodeElement(0x00100020, 'LO', pseudonym)],
    [0x00120062, encodeElement(0x00120062, 'CS', 'YES')],
    [0x00120063, encodeElement(0x00120063, 'LO', CLAIM.join('\\'))],
    [0x00120064, Buffer.concat([encodeHead(0x00120064, 'SQ', sequence.length, EXPLICIT_LITTLE), sequence])],
    [0x00280303, encodeElement(0x00280303, 'CS', options.modifiedDates ? 'MODIFIED' : 'REMOVED')],
  ];
  const tags = new Set(elements.map(([tag]) => tag));
  let next = 0;
  return {
    has: (tag: number) => tags.has(tag),
    /** The elements that come before or at this tag and were not returned before. */
    upTo: (tag: number): readonly Buffer[] => {
      const from = next;
      while ((elements[next]?.[0] ?? Infinity) <= tag) next += 1;
      return elements.slice(from, next).map(([, bytes]) => bytes);
    },
  };
}

/** Preamble, prefix and file meta information (PS3.10 §7.1). Nothing of the original file meta information is used. */
function newBeginning(uid: (tag: number) => string): Buffer {
  const elements = Buffer.concat([
    encodeElement(0x00020001, 'OB', Buffer.from([0, 1])),
    encodeElement(0x00020002, 'UI', uid(FACTS.sopClass)),
    encodeElement(0x00020003, 'UI', uid(FACTS.instance)),
    encodeElement(0x00020010, 'UI', EXPLICIT_LITTLE_ENDIAN),
    encodeElement(0x00020012, 'UI', IMPLEMENTATION_CLASS),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(elements.length);
  return Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    encodeElement(0x00020000, 'UL', length),
    elements,
  ]);
}
