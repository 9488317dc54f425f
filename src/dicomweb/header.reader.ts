import { HeaderBytes, InflatedBytes, type ByteWindow } from './header.bytes.js';
import { DicomUnreadable } from './header.unreadable.js';
import { textOf } from './header.value.js';
import { ElementWalker, type Encoding } from './header.walker.js';

/** What a Part 10 file says of itself before its pixels. */
export interface DicomHeader {
  transferSyntax: string;
  /** Of the file meta information, else of the data set; empty when neither has it. */
  sopClassUid: string;
  sopInstanceUid: string;
  /** The byte of the file at which the data set starts, after the file meta information. */
  datasetOffset: number;
  /** Top-level values that were asked for (and the character set and SOP UIDs) by tag, eight digits; see `textOf` for their form. */
  attributes: Map<string, string>;
}

/** A header that was read, and the file again: first `head`, then `rest`. */
export interface HeaderRead {
  header: DicomHeader;
  head: Buffer[];
  rest: AsyncIterable<Buffer>;
}

/** What to read of a header, and what it may cost. */
export interface HeaderLimits {
  /** Tags of the top level as eight hexadecimal digits. */
  tags: Iterable<string>;
  /** Bytes to read, and as many to inflate. */
  maxBytes: number;
  /** Sequences inside one another. */
  maxDepth: number;
  /** Bytes of one value that is asked for. */
  maxValueBytes: number;
}

const DEFAULTS = { maxBytes: 4 * 1024 * 1024, maxDepth: 40, maxValueBytes: 65_536 };

const CHARACTER_SET = '00080005';
const SOP_CLASS = '00080016';
const SOP_INSTANCE = '00080018';
/** Pixel data in its three forms and the encapsulated document: what comes from here on is content. */
const CONTENT = new Set([0x7fe00008, 0x7fe00009, 0x7fe00010, 0x00420011]);

const DEFLATED = '1.2.840.10008.1.2.1.99';
const ENCODINGS: ReadonlyMap<string, Encoding> = new Map([
  ['1.2.840.10008.1.2', { implicit: true, big: false }],
  ['1.2.840.10008.1.2.2', { implicit: false, big: true }],
]);
const EXPLICIT_LITTLE: Encoding = { implicit: false, big: false };

const META_START = 132;

/**
 * Reads the header of a DICOM Part 10 file (PS3.10 §7) from a stream, as far as the pixel data or the encapsulated document, and
 * holds no more than `maxBytes`. Faults are DicomUnreadable: no Part 10 file, cut short, lengths that lie, an asked-for element
 * out of order or twice, or file meta information that names another instance than the data set. The source is not closed.
 */
export async function readHeader(
  source: AsyncIterable<Buffer>,
  options: Partial<HeaderLimits> = {},
): Promise<HeaderRead> {
  const limits = { ...DEFAULTS, ...options };
  const iterator = source[Symbol.asyncIterator]();
  const bytes = new HeaderBytes(iterator, limits.maxBytes);
  const meta = await readMeta(bytes);
  const deflated = meta.transferSyntax === DEFLATED;
  const window = deflated ? new InflatedBytes(bytes, meta.datasetOffset) : bytes;
  const encoding = ENCODINGS.get(meta.transferSyntax) ?? EXPLICIT_LITTLE;
  const tags = new Set([CHARACTER_SET, SOP_CLASS, SOP_INSTANCE, ...(options.tags ?? [])]);
  const attributes = await readAttributes(window, deflated ? 0 : meta.datasetOffset, encoding, tags, limits);
  const header = {
    transferSyntax: meta.transferSyntax,
    sopClassUid: agreed(meta.sopClassUid, attributes.get(SOP_CLASS)),
    sopInstanceUid: agreed(meta.sopInstanceUid, attributes.get(SOP_INSTANCE)),
    datasetOffset: meta.datasetOffset,
    attributes,
  };
  return {
    header,
    head: [bytes.bytes],
    rest: { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) },
  };
}

interface Meta {
  transferSyntax: string;
  sopClassUid: string;
  sopInstanceUid: string;
  datasetOffset: number;
}

/** The file meta information (PS3.10 §7.1). Its group length, where there is one, must be right: it says where the data set starts. */
async function readMeta(bytes: HeaderBytes): Promise<Meta> {
  if (!(await bytes.reach(META_START)) || bytes.bytes.toString('latin1', 128, META_START) !== 'DICM') {
    throw new DicomUnreadable('not-dicom', 'no DICOM prefix');
  }
  const walker = new ElementWalker(bytes, META_START, EXPLICIT_LITTLE, 0);
  const values = new Map<number, string>();
  let end: number | undefined;
  let at = META_START;
  while (at !== end) {
    // Without a group length the first element of another group, in whatever way it is written, is the data set's.
    if (!(await bytes.reach(at + 2)) || bytes.bytes.readUInt16LE(at) !== 2) break;
    const element = await walker.next();
    if (element === undefined) break;
    if (values.has(element.tag))
      throw new DicomUnreadable('meta', 'file meta information has an element twice');
    const value = await walker.value(element);
    if (element.tag === 0x00020000 && value.length === 4) end = element.valueEnd + value.readUInt32LE(0);
    values.set(element.tag, value.toString('latin1').replace(/[ \0]+$/, ''));
    at = element.valueEnd;
  }
  const transferSyntax = values.get(0x00020010) ?? '';
  if (transferSyntax === '') throw new DicomUnreadable('meta', 'no transfer syntax');
  if (end === undefined ? transferSyntax === DEFLATED : at !== end) {
    throw new DicomUnreadable('meta', 'the length of the file meta information is wrong');
  }
  return {
    transferSyntax,
    sopClassUid: values.get(0x00020002) ?? '',
    sopInstanceUid: values.get(0x00020003) ?? '',
    datasetOffset: at,
  };
}

async function readAttributes(
  window: ByteWindow,
  start: number,
  encoding: Encoding,
  tags: Set<string>,
  limits: typeof DEFAULTS,
): Promise<Map<string, string>> {
  const walker = new ElementWalker(window, start, encoding, limits.maxDepth);
  const attributes = new Map<string, string>();
  const lastWanted = Math.max(...[...tags].map((tag) => Number.parseInt(tag, 16)));
  let highest = -1;
  try {
    for (let element = await walker.next(); element !== undefined; element = await walker.next()) {
      if (CONTENT.has(element.tag)) break;
      const tag = element.tag.toString(16).toUpperCase().padStart(8, '0');
      if (tags.has(tag)) {
        // The archive might take another of two, or read on where we stopped: what is asked for is where it belongs, once.
        if (element.tag <= highest)
          throw new DicomUnreadable('structure', 'an element is out of order or there twice');
        if (element.valueEnd - element.valueStart > limits.maxValueBytes) {
          throw new DicomUnreadable('too-large', 'a value is longer than allowed');
        }
        const value = await walker.value(element);
        const text = textOf(tag, element.vr, value, encoding, attributes.get(CHARACTER_SET) ?? '');
        if (text !== undefined) attributes.set(tag, text);
      }
      highest = Math.max(highest, element.tag);
    }
  } catch (error) {
    // A header that is long only behind everything that was asked for is as good as read.
    const enough = error instanceof DicomUnreadable && error.reason === 'too-large' && highest >= lastWanted;
    if (!enough) throw error;
  }
  return attributes;
}

function agreed(meta: string, dataset: string | undefined): string {
  if (meta === '' || dataset === undefined || dataset === '') return meta === '' ? (dataset ?? '') : meta;
  if (meta !== dataset)
    throw new DicomUnreadable('identity', 'file meta information and data set name different UIDs');
  return meta;
}
