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
  /** From the file meta information, else from the data set. Empty when neither has it. */
  sopClassUid: string;
  sopInstanceUid: string;
  /** The byte of the file at which the data set starts, after the file meta information. */
  datasetOffset: number;
  /** Requested top-level values, the character set and the SOP UIDs, by tag (eight hexadecimal digits). See `textOf` for their form. */
  attributes: Map<string, string>;
  /** The IDs of Request Attributes Sequence, if it comes before the end of the header. */
  requests: readonly RequestedStep[];
}

/** A header, and the bytes of the whole file: first `head`, then `rest`. */
export interface HeaderRead {
  header: DicomHeader;
  head: Buffer[];
  /** Throws DicomUnreadable before its end when the bytes after the header are no valid data set. */
  rest: AsyncIterable<Buffer>;
  /** The references, if requested. `undefined` also when not all elements before the content were seen. */
  references: References | undefined;
  /** The inflated size of a deflated data set so far. 0 if it is not deflated. */
  inflated: () => number;
}

/** What to read of a header, and its limits. */
export interface HeaderLimits extends CollectorLimits {
  /** Requested tags of the top level, eight hexadecimal digits each. */
  tags: Iterable<string>;
  /** Bytes of the header; the same limit holds for inflated bytes. */
  maxBytes: number;
  /** Bytes of one requested value. */
  maxValueBytes: number;
  /** Sequences inside each other. */
  maxDepth: number;
  /** Bytes of a deflated data set after inflating. */
  maxInflatedBytes: number;
  /** Whether to collect references. */
  references: boolean;
  /** Called with the file meta information before anything else is read, so that the caller can name the instance in an error. */
  onMeta: (meta: FileMeta) => void;
}

const DEFAULTS = {
  maxBytes: 4 * 1024 * 1024,
  maxValueBytes: 65_536,
  maxDepth: MAX_STORED_DEPTH,
  maxInflatedBytes: 2 * 1024 * 1024 * 1024,
  references: false,
};

const SOP_CLASS = '00080016';
const SOP_INSTANCE = '00080018';

const EMPTY = Buffer.alloc(0);

/**
 * Reads the header of a DICOM Part 10 file (PS3.10 §7) from a stream, up to the pixel data or the encapsulated document. Holds at most
 * `maxBytes`. Throws DicomUnreadable for: no Part 10 file, a truncated file, false lengths, a requested element that is duplicate or out of
 * order, and file meta information with other UIDs than the data set. Errors after the header are thrown while `rest` is read. The caller
 * closes the source.
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
  const isSequence = references === undefined ? undefined : await standardSequences();
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

/** Transfer syntaxes of PS3.5 §10 and annex A that can be read. Not JPIP deflate, real-time video, text and Papyrus. */
const STORABLE =
  /^1\.2\.840\.10008\.1\.2(\.1(\.98|\.99)?|\.2|\.5|\.8\.1|\.4\.(10[0-6]\.1|(?!95$|205$)\d{2,3}))?$/;

function isStorable(transferSyntax: string): boolean {
  return STORABLE.test(transferSyntax);
}

/** Tells which elements are sequences by PS3.6. */
async function standardSequences(): Promise<(tag: number) => boolean> {
  const representationOf = await implicitRepresentations();
  return (tag) => representationOf(tag, false) === 'SQ';
}

/** Receives the bytes of a data set. */
interface DataSetFeed {
  feed(bytes: Buffer): Promise<void> | void;
  end(): Promise<void> | void;
  /** How many bytes certainly are no padding. */
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
  const elements = new ElementReader(encoding, limits.maxDepth, collector);
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

/** Removes the bytes after `length` from the end of these pieces, and returns them. */
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

/** The rest of a file. Each chunk is checked before it is passed on. Padding at the end of the file is left out. */
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
      // After the padding has begun, only padding may follow.
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
