import type { RequestedStep } from '../requested.steps.js';
import { HeaderBytes } from './header.bytes.js';
import { AttributeCollector, CHARACTER_SET, type CollectorLimits } from './header.collector.js';
import { type Encoding, encodingOf, MAX_STORED_DEPTH } from '../element.decoder.js';
import { ElementReader } from './element.reader.js';
import { Inflater } from './header.inflater.js';
import { DEFLATED, type FileMeta, readMeta } from '../file.meta.js';
import { ReferenceCollector, type References } from './header.references.js';
import { DicomUnreadable } from '../dicom.unreadable.js';
import { implicitRepresentations } from '../implicit.representations.js';

/** The header of a Part 10 file. */
export interface DicomHeader {
  transferSyntax: string;
  /** The value in the file meta information, or in the data set if the file meta information has none. Empty when both have none. */
  sopClassUid: string;
  sopInstanceUid: string;
  /** Offset of the data set in the file, in bytes. The file meta information ends at this offset. */
  datasetOffset: number;
  /** Requested top-level values, the character set and the SOP UIDs, by tag (eight hexadecimal digits). See `textOf` for their form. */
  attributes: Map<string, string>;
  /** The IDs in Request Attributes Sequence, if the sequence is in the header. */
  requests: readonly RequestedStep[];
}

/** A header, and the bytes of the whole file: first `head`, then `rest`. */
export interface HeaderRead {
  header: DicomHeader;
  head: Buffer[];
  /** The iteration throws `DicomUnreadable` when the bytes after the header are not a valid data set. */
  rest: AsyncIterable<Buffer>;
  /** The references. `undefined` when they were not requested, or when the reader stopped before the content. */
  references: References | undefined;
  /** Returns the number of bytes that were inflated so far. 0 if the data set is not deflated. */
  inflated: () => number;
}

/** What to read from a header, and the limits for reading. */
export interface HeaderLimits extends CollectorLimits {
  /** Requested tags of the top level, eight hexadecimal digits each. */
  tags: Iterable<string>;
  /** Largest header in bytes. In a deflated file, the limit also applies to the inflated header. */
  maxBytes: number;
  /** Largest requested value in bytes. */
  maxValueBytes: number;
  /** Largest nesting depth of sequences. */
  maxDepth: number;
  /** Largest size of a deflated data set after inflating, in bytes. */
  maxInflatedBytes: number;
  /** Largest number of elements of one data set or items of one sequence. See `ElementReader`. */
  maxChildren: number;
  /** Whether to collect references. */
  references: boolean;
  /** Called as soon as the file meta information has been read, so that the caller can name the instance in a later error. */
  onMeta: (meta: FileMeta) => void;
}

const DEFAULTS = {
  maxBytes: 4 * 1024 * 1024,
  maxValueBytes: 65_536,
  maxDepth: MAX_STORED_DEPTH,
  maxInflatedBytes: 2 * 1024 * 1024 * 1024,
  maxChildren: Infinity,
  references: false,
};

const SOP_CLASS = '00080016';
const SOP_INSTANCE = '00080018';

const EMPTY = Buffer.alloc(0);

/**
 * Reads the header of a DICOM Part 10 file (PS3.10 §7) from a stream, up to the pixel data or the encapsulated document. Keeps at most
 * `maxBytes` in memory. Throws `DicomUnreadable` in these cases: the bytes are not a Part 10 file; the file is truncated; a length is
 * false; a requested element is duplicate or out of order; the file meta information and the data set have different UIDs. Errors after the
 * header are thrown when `rest` is read. The caller closes the source.
 */
export async function readHeader(
  source: AsyncIterable<Buffer>,
  options: Partial<HeaderLimits> = {},
): Promise<HeaderRead> {
  const limits = { ...DEFAULTS, ...options };
  const iterator = source[Symbol.asyncIterator]();
  const start = new HeaderBytes(iterator, limits.maxBytes);
  const meta = await readMeta(start);
  options.onMeta?.(meta);
  if (!isStorable(meta.transferSyntax))
    throw new DicomUnreadable('transfer-syntax', 'a transfer syntax that cannot be stored');
  const encoding = encodingOf(meta.transferSyntax);
  const tags = new Set([CHARACTER_SET, SOP_CLASS, SOP_INSTANCE, ...(options.tags ?? [])]);
  const references = limits.references ? new ReferenceCollector() : undefined;
  const isSequence =
    references === undefined && limits.maxChildren === Infinity ? undefined : await standardSequences();
  const collector = new AttributeCollector(tags, encoding, limits, references, isSequence);
  const dataSet = dataSetFeed(meta.transferSyntax === DEFLATED, encoding, collector, limits);

  const head = [start.bytes];
  await dataSet.feed(start.bytes.subarray(meta.datasetOffset));
  let ended = false;
  for (let size = start.bytes.length; !collector.complete && !ended;) {
    if (size > limits.maxBytes && collector.sufficient) break;
    if (size > limits.maxBytes) throw new DicomUnreadable('too-large', 'the header is longer than allowed');
    const { done, value } = await iterator.next();
    if (done === true) {
      ended = true;
      await dataSet.end();
    } else {
      size += value.length;
      head.push(value);
      await dataSet.feed(value);
    }
  }
  const { attributes } = collector;
  const header = {
    transferSyntax: meta.transferSyntax,
    sopClassUid: agreedUid(meta.sopClassUid, attributes.get(SOP_CLASS)),
    sopInstanceUid: agreedUid(meta.sopInstanceUid, attributes.get(SOP_INSTANCE)),
    datasetOffset: meta.datasetOffset,
    attributes,
    requests: collector.requests.found,
  };
  const held = cutOff(head, meta.datasetOffset + dataSet.certain());
  const rest = ended ? noBytes() : passOn(iterator, dataSet, held);
  const isAll = ended || collector.reachedContent;
  return {
    header,
    head,
    rest,
    references: isAll ? references?.found : undefined,
    inflated: () => dataSet.inflated?.() ?? 0,
  };
}

/**
 * Transfer syntaxes of PS3.5 §10 and annex A that can be read. The transfer syntaxes for JPIP with deflate, real-time video, text and
 * Papyrus are excluded.
 */
const STORABLE =
  /^1\.2\.840\.10008\.1\.2(\.1(\.98|\.99)?|\.2|\.5|\.8\.1|\.4\.(10[0-6]\.1|(?!95$|205$)\d{2,3}))?$/;

function isStorable(transferSyntax: string): boolean {
  return STORABLE.test(transferSyntax);
}

/** Returns a function that says whether an element is a sequence according to PS3.6. */
async function standardSequences(): Promise<(tag: number) => boolean> {
  const representationOf = await implicitRepresentations();
  return (tag) => representationOf(tag, false) === 'SQ';
}

/** Receives the bytes of a data set. */
interface DataSetFeed {
  feed(bytes: Buffer): Promise<void> | void;
  end(): Promise<void> | void;
  /** Number of bytes so far that are certainly not padding. */
  certain(): number;
  padded?(): boolean;
  close?(): void;
  inflated?(): number;
}

function dataSetFeed(
  deflated: boolean,
  encoding: Encoding,
  collector: AttributeCollector,
  limits: typeof DEFAULTS,
): DataSetFeed {
  const elements = new ElementReader(encoding, limits.maxDepth, collector, limits.maxChildren);
  if (!deflated) {
    return {
      feed: (bytes) => elements.feed(bytes),
      end: () => elements.end(),
      certain: () => elements.certain,
      padded: () => elements.padded,
    };
  }
  const inflater = new Inflater((piece) => {
    elements.feed(piece);
  }, limits.maxInflatedBytes);
  return {
    feed: (bytes) => inflater.feed(bytes),
    end: async () => {
      await inflater.end();
      elements.end();
    },
    certain: () => Infinity,
    close: () => {
      inflater.close();
    },
    inflated: () => inflater.inflated,
  };
}

/** Shortens the list of pieces to `length` bytes, and returns the removed bytes. */
function cutOff(pieces: Buffer[], length: number): Buffer {
  let beyond = pieces.reduce((sum, piece) => sum + piece.length, 0) - length;
  const taken: Buffer[] = [];
  while (beyond > 0) {
    const last = pieces.pop();
    if (last === undefined) break;
    const keep = Math.max(0, last.length - beyond);
    taken.unshift(last.subarray(keep));
    if (keep > 0) pieces.push(last.subarray(0, keep));
    beyond -= last.length - keep;
  }
  return Buffer.concat(taken);
}

/** Passes on the rest of a file. Each chunk is checked before it is passed on. Padding at the end of the file is left out. */
async function* passOn(
  iterator: AsyncIterator<Buffer>,
  dataSet: DataSetFeed,
  held: Buffer,
): AsyncGenerator<Buffer> {
  let maybePadding = held;
  let passed = dataSet.certain();
  try {
    for (;;) {
      const { done, value } = await iterator.next();
      if (done === true) break;
      await dataSet.feed(value);
      const bytes = maybePadding.length === 0 ? value : Buffer.concat([maybePadding, value]);
      const certain = passed === Infinity ? bytes.length : Math.min(dataSet.certain() - passed, bytes.length);
      passed += certain;
      // After the start of the padding, all bytes are dropped. `feed` throws when one of them is not zero.
      maybePadding = dataSet.padded?.() === true ? EMPTY : bytes.subarray(certain);
      if (certain > 0) yield bytes.subarray(0, certain);
    }
    await dataSet.end();
  } finally {
    dataSet.close?.();
  }
}

async function* noBytes(): AsyncGenerator<Buffer> {}

function agreedUid(meta: string, dataset: string | undefined): string {
  if (meta === '' || dataset === undefined || dataset === '') return meta === '' ? (dataset ?? '') : meta;
  if (meta !== dataset)
    throw new DicomUnreadable('identity', 'file meta information and data set have different UIDs');
  return meta;
}
