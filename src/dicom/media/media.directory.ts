import { encodeHead } from '../data.set.recoder.js';
import { EXPLICIT_LITTLE } from '../element.decoder.js';
import { encodeFileMeta } from '../making/meta.writer.js';
import type { SelectedValues } from '../selected.values.js';
import { recordKeysOf, PATIENT_KEYS, type RecordKey, SERIES_KEYS, STUDY_KEYS } from './directory.keys.js';
import { encodeElement, encodeKeys, encodeNumber, itemHead } from './directory.values.js';
import { recordTypeOf } from './record.types.js';

const DIRECTORY_STORAGE = '1.2.840.10008.1.3.10';
const EXPLICIT_LITTLE_UID = '1.2.840.10008.1.2.1';
const NOT_NULL_RECORD = 0xffff;
const SEQUENCE = 0x00041220;
const [MIME_TYPE, ENCAPSULATED] = [0x00420012, '1.2.840.10008.5.1.4.1.1.104.'];
const DOCUMENT_TYPES = ['application/pdf', 'text/XML', 'model/stl', 'model/obj', 'model/mtl'];

/** A file of the file-set. `fileId`: the components of its file ID (PS3.10 §8.2). `values`: the values of `DIRECTORY_SELECTION`. */
export interface DirectoryFile {
  readonly fileId: readonly string[];
  readonly sopClassUid: string;
  readonly sopUid: string;
  readonly transferSyntax: string;
  readonly seriesUid: string;
  readonly values: SelectedValues;
}

/** A record: its elements after the offsets, and the records below it. */
interface DirectoryRecord {
  readonly body: Buffer;
  readonly below: DirectoryRecord[];
}

/** Length of the elements with the offsets and the flag at the start of each record, in bytes. */
const OFFSETS_LENGTH = 12 + 10 + 12;

/**
 * The DICOMDIR of a file-set with one study (PS3.10 §8.6, PS3.3 annex F). Files are added one after the other, so that a directory can be
 * made while the files are sent. About 400 bytes of each file stay in memory.
 */
export class MediaDirectory {
  readonly #studyUid: string;
  #patient: DirectoryRecord | undefined;
  readonly #series = new Map<string, DirectoryRecord>();

  constructor(studyUid: string) {
    this.#studyUid = studyUid;
  }

  /** Adds a file. The first file gives the values of the patient and the study, and the first file of a series those of the series. */
  add(file: DirectoryFile): void {
    const { values, seriesUid } = file;
    const patient = (this.#patient ??= record('PATIENT', PATIENT_KEYS, values, 1));
    const [study = record('STUDY', STUDY_KEYS, values, 1, [[0x0020000d, 'UI', this.#studyUid]])] =
      patient.below;
    patient.below[0] = study;
    let series = this.#series.get(seriesUid);
    if (series === undefined) {
      const position = this.#series.size + 1;
      series = record('SERIES', SERIES_KEYS, values, position, [[0x0020000e, 'UI', seriesUid]]);
      this.#series.set(seriesUid, series);
      study.below.push(series);
    }
    series.below.push(fileRecord(file, series.below.length + 1));
  }

  /** Returns the bytes of the DICOMDIR in pieces. `uid`: the SOP Instance UID of the directory. */
  pieces(uid: string): Buffer[] {
    const roots = this.#patient === undefined ? [] : [this.#patient];
    const meta = encodeFileMeta({
      sopClassUid: DIRECTORY_STORAGE,
      sopUid: uid,
      transferSyntax: EXPLICIT_LITTLE_UID,
    });
    // The offsets count from the first byte of the file (PS3.3 §F.3.2.2).
    const start = meta.length + fileSetHead(0, 0, 0).length;
    const { pieces, end } = written(roots, start);
    const first = roots.length === 0 ? 0 : start;
    return [meta, fileSetHead(first, first, end - start), ...pieces];
  }
}

/** The elements before the records. `length`: the length of all records in bytes. */
function fileSetHead(first: number, last: number, length: number): Buffer {
  return Buffer.concat([
    encodeElement(0x00041130, 'CS', 'RADGATE'),
    encodeNumber(0x00041200, 'UL', first),
    encodeNumber(0x00041202, 'UL', last),
    encodeNumber(0x00041212, 'US', 0),
    encodeHead(SEQUENCE, 'SQ', length, EXPLICIT_LITTLE),
  ]);
}

/** Writes records of one level, each followed by the records below it. */
function written(records: readonly DirectoryRecord[], start: number): { pieces: Buffer[]; end: number } {
  const pieces: Buffer[] = [];
  let at = start;
  records.forEach(({ body, below }, index) => {
    const recordEnd = at + 8 + OFFSETS_LENGTH + body.length;
    const inner = written(below, recordEnd);
    const isLast = index === records.length - 1;
    pieces.push(
      itemHead(OFFSETS_LENGTH + body.length),
      encodeNumber(0x00041400, 'UL', isLast ? 0 : inner.end),
      encodeNumber(0x00041410, 'US', NOT_NULL_RECORD),
      encodeNumber(0x00041420, 'UL', below.length === 0 ? 0 : recordEnd),
      body,
    );
    for (const piece of inner.pieces) pieces.push(piece);
    at = inner.end;
  });
  return { pieces, end: at };
}

type Extra = readonly [tag: number, vr: string, value: string];

function record(
  type: string,
  keys: readonly RecordKey[],
  values: SelectedValues,
  position: number,
  extra: readonly Extra[] = [],
): DirectoryRecord {
  const own = new Map(extra.map(([tag, vr, value]) => [tag, encodeElement(tag, vr, value)]));
  const copied = keys
    .filter(({ tag }) => !own.has(tag))
    .map((key) => [key.tag, encodeKeys([key], values, position)] as const);
  const elements = [...own, ...copied].toSorted(([one], [other]) => one - other);
  const body = [encodeElement(0x00041430, 'CS', type), ...elements.map(([, bytes]) => bytes)];
  return { body: Buffer.concat(body), below: [] };
}

function fileRecord(file: DirectoryFile, position: number): DirectoryRecord {
  const { fileId, sopClassUid, sopUid, transferSyntax, values } = file;
  const type = recordTypeOf(sopClassUid);
  return record(type, recordKeysOf(type), values, position, [
    [0x00041500, 'CS', fileId.join('\\')],
    [0x00041510, 'UI', sopClassUid],
    [0x00041511, 'UI', sopUid],
    [0x00041512, 'UI', transferSyntax],
    ...documentType(sopClassUid),
  ]);
}

/** The media type of an encapsulated document, by its SOP Class (PS3.3 §A.45, §A.104 and following). */
function documentType(sopClassUid: string): Extra[] {
  const number = sopClassUid.startsWith(ENCAPSULATED) ? sopClassUid.slice(ENCAPSULATED.length) : '';
  const type = DOCUMENT_TYPES[Number(number) - 1];
  return type === undefined ? [] : [[MIME_TYPE, 'LO', type]];
}
