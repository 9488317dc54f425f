import type { RequestedStep } from '../requested.steps.js';
import { HeaderBytes } from './header.bytes.js';
import { AttributeCollector, CHARACTER_SET, type CollectorLimits } from './header.collector.js';
import { type Encoding } from '../element.head.js';
import { ElementReader } from './element.reader.js';
import { Inflater } from './header.inflater.js';
import { DEFLATED, type FileMeta, readMeta } from '../file.meta.js';
import { ReferenceCollector, type References } from './header.references.js';
import { DicomUnreadable } from '../dicom.unreadable.js';
import { implicitRepresentations } from '../implicit.representations.js';

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
  /** What it was requested by, as far as its sequence comes before the end of the header. */
  requests: readonly RequestedStep[];
}

/** A header that was read, and the file again: first `head`, then `rest`. */
export interface HeaderRead {
  header: DicomHeader;
  head: Buffer[];
  /** Throws DicomUnreadable, before its end, when what follows the header turns out to be no sound data set. */
  rest: AsyncIterable<Buffer>;
  /** What it refers to, when that was asked for; `undefined` also when not all of it could be seen before the content. */
  references: References | undefined;
  /** Bytes that a deflated data set has grown to so far, which is what whoever reads it must hold; 0 for another. */
  inflated: () => number;
}

/** What to read of a header, and what it may cost. */
export interface HeaderLimits extends CollectorLimits {
  /** Tags of the top level as eight hexadecimal digits. */
  tags: Iterable<string>;
  /** Bytes of the header, and as many inflated ones. */
  maxBytes: number;
  /** Bytes of one value that is asked for. */
  maxValueBytes: number;
  /** Sequences inside one another. */
  maxDepth: number;
  /** Bytes that a deflated data set may grow to. */
  maxInflatedBytes: number;
  /** Whether to look for what it refers to. */
  references: boolean;
  /** Told what the file meta information says as soon as it is read: who is told knows what it was, whatever comes of the rest. */
  onMeta: (meta: FileMeta) => void;
}

const DEFAULTS = {
  maxBytes: 4 * 1024 * 1024,
  maxValueBytes: 65_536,
  maxDepth: 40,
  maxInflatedBytes: 2 * 1024 * 1024 * 1024,
  references: false,
};

const SOP_CLASS = '00080016';
const SOP_INSTANCE = '00080018';

const ENCODINGS: ReadonlyMap<string, Encoding> = new Map([
  ['1.2.840.10008.1.2', { implicit: true, big: false }],
  ['1.2.840.10008.1.2.2', { implicit: false, big: true }],
]);
const NONE = Buffer.alloc(0);
const EXPLICIT_LITTLE: Encoding = { implicit: false, big: false };

/**
 * Reads the header of a DICOM Part 10 file (PS3.10 §7) from a stream, as far as the pixel data or the encapsulated document, and
 * holds no more than `maxBytes`. Faults are DicomUnreadable: no Part 10 file, cut short, lengths that lie, an asked-for element
 * out of order or twice, or file meta information that names another instance than the data set; those behind the header come
 * while `rest` is read. The source is not closed.
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
  const encoding = ENCODINGS.get(meta.transferSyntax) ?? EXPLICIT_LITTLE;
  const tags = new Set([CHARACTER_SET, SOP_CLASS, SOP_INSTANCE, ...(options.tags ?? [])]);
  const references = limits.references ? new ReferenceCollector() : undefined;
  const isSequence = references === undefined ? undefined : await sequencesOfStandard();
  const collector = new AttributeCollector(tags, encoding, limits, references, isSequence);
  const dataset = datasetReader(meta.transferSyntax === DEFLATED, encoding, collector, limits);

  const head = [start.bytes];
  await dataset.feed(start.bytes.subarray(meta.datasetOffset));
  let ended = false;
  for (let size = start.bytes.length; !collector.complete && !ended;) {
    if (size > limits.maxBytes && collector.sufficient) break;
    if (size > limits.maxBytes) throw new DicomUnreadable('too-large', 'the header is longer than allowed');
    const { done, value } = await iterator.next();
    if (done === true) {
      ended = true;
      await dataset.end();
    } else {
      size += value.length;
      head.push(value);
      await dataset.feed(value);
    }
  }
  const { attributes } = collector;
  const header = {
    transferSyntax: meta.transferSyntax,
    sopClassUid: agreed(meta.sopClassUid, attributes.get(SOP_CLASS)),
    sopInstanceUid: agreed(meta.sopInstanceUid, attributes.get(SOP_INSTANCE)),
    datasetOffset: meta.datasetOffset,
    attributes,
    requests: collector.requests.found,
  };
  const held = cut(head, meta.datasetOffset + dataset.certain());
  const rest = ended ? nothing() : passOn(iterator, dataset, held);
  const isAll = ended || collector.reachedContent;
  return {
    header,
    head,
    rest,
    references: isAll ? references?.found : undefined,
    inflated: () => dataset.inflated?.() ?? 0,
  };
}

/** Transfer syntaxes of PS3.5 §10 and annex A whose data sets are read here: not those deflated for JPIP, of real-time video, of text or Papyrus. */
const STORABLE =
  /^1\.2\.840\.10008\.1\.2(\.1(\.98|\.99)?|\.2|\.5|\.8\.1|\.4\.(10[0-6]\.1|(?!95$|205$)\d{2,3}))?$/;

function isStorable(transferSyntax: string): boolean {
  return STORABLE.test(transferSyntax);
}

/** Which elements are sequences by PS3.6. */
async function sequencesOfStandard(): Promise<(tag: number) => boolean> {
  const representationOf = await implicitRepresentations();
  return (tag) => representationOf(tag, false) === 'SQ';
}

interface DatasetReader {
  feed(bytes: Buffer): Promise<void> | void;
  end(): Promise<void> | void;
  /** How many bytes of the data set are no padding. */
  certain(): number;
  padded?(): boolean;
  close?(): void;
  inflated?(): number;
}

function datasetReader(
  deflated: boolean,
  encoding: Encoding,
  collector: AttributeCollector,
  limits: typeof DEFAULTS,
): DatasetReader {
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

/** Takes what is beyond a length off the end of these pieces, and gives it. */
function cut(pieces: Buffer[], length: number): Buffer {
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

/** The rest of a file as it comes, each chunk looked at before it is handed on; zeros that fill it up are left out. */
async function* passOn(
  iterator: AsyncIterator<Buffer>,
  dataset: DatasetReader,
  held: Buffer,
): AsyncGenerator<Buffer> {
  let doubtful = held;
  let given = dataset.certain();
  try {
    for (;;) {
      const { done, value } = await iterator.next();
      if (done === true) break;
      await dataset.feed(value);
      const bytes = doubtful.length === 0 ? value : Buffer.concat([doubtful, value]);
      const certain = given === Infinity ? bytes.length : Math.min(dataset.certain() - given, bytes.length);
      given += certain;
      // Once it is padding it stays so.
      doubtful = dataset.padded?.() === true ? NONE : bytes.subarray(certain);
      if (certain > 0) yield bytes.subarray(0, certain);
    }
    await dataset.end();
  } finally {
    dataset.close?.();
  }
}

async function* nothing(): AsyncGenerator<Buffer> {}

function agreed(meta: string, dataset: string | undefined): string {
  if (meta === '' || dataset === undefined || dataset === '') return meta === '' ? (dataset ?? '') : meta;
  if (meta !== dataset)
    throw new DicomUnreadable('identity', 'file meta information and data set name different UIDs');
  return meta;
}
