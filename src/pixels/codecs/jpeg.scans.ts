import { brokenJpeg, type HuffmanTable, huffmanTable } from './jpeg.huffman.js';
import { FRAME_HEADERS } from './jpeg.markers.js';

/** A component of a scan, with its tables. `index`: its place in the frame header. `across`, `down`: its sampling factors. */
export interface ScanComponent {
  readonly index: number;
  readonly across: number;
  readonly down: number;
  readonly dc: HuffmanTable | undefined;
  readonly ac: HuffmanTable | undefined;
  /** Quantization steps in zigzag order. */
  readonly steps: Uint16Array | undefined;
}

/** A part of the entropy-coded data between two restart markers: from the byte `start` to before the byte `end`. */
export interface RestartPart {
  readonly start: number;
  readonly end: number;
}

/** A scan of a JPEG stream with Huffman coding (ISO/IEC 10918-1 §B.2.3). */
export interface JpegScan {
  readonly components: readonly ScanComponent[];
  /** Ss and Al: of a lossless scan the predictor and the point transform. They have no effect in a sequential scan. */
  readonly predictor: number;
  readonly pointTransform: number;
  /** MCUs between two restart markers. 0 without restart markers. */
  readonly restartInterval: number;
  /** The entropy-coded data without stuffed bytes and markers. */
  readonly bytes: Uint8Array;
  readonly parts: readonly RestartPart[];
}

const FILL = 0xff;
const HUFFMAN = 0xc4;
const FIRST_RESTART = 0xd0;
const LAST_RESTART = 0xd7;
const END_OF_IMAGE = 0xd9;
const START_OF_SCAN = 0xda;
const QUANTIZATION = 0xdb;
const RESTART_INTERVAL = 0xdd;
const BLOCK = 64;
const CODE_LENGTHS = 16;
/** The class of a Huffman table for AC coefficients, in the byte that names class and destination. */
const AC_CLASS = 0x10;

/**
 * Reads the scans of a stream with Huffman coding, each with the tables that are defined before it. `jpegFrameHeader` has checked the
 * stream up to its first scan. Throws `PixelsRefused`.
 */
export function* scansOf(stream: Uint8Array): Generator<JpegScan> {
  const reader = new ScanReader();
  for (let at = 2; at + 4 <= stream.length;) {
    if (stream[at] !== FILL) throw brokenJpeg();
    const marker = stream[at + 1] ?? 0;
    if (marker === END_OF_IMAGE) return;
    if (marker === FILL) {
      at += 1;
      continue;
    }
    const end = at + 2 + wordAt(stream, at + 2);
    if (end < at + 4 || end > stream.length) throw brokenJpeg();
    const segment = stream.subarray(at + 4, end);
    at = end;
    if (marker !== START_OF_SCAN) reader.define(marker, segment);
    else {
      const { next, ...data } = entropyCoded(stream, end);
      yield { ...reader.scan(segment), ...data };
      at = next;
    }
  }
}

type Component = Pick<ScanComponent, 'across' | 'down'> & { readonly id: number; readonly quantizer: number };

/** Keeps the tables and parameters of the segments before a scan. */
class ScanReader {
  #components: readonly Component[] = [];
  readonly #codes = new Map<number, HuffmanTable>();
  readonly #steps = new Map<number, Uint16Array>();
  #restartInterval = 0;

  /** Reads a marker segment that is not a start of scan. Segments of other kinds have no effect. */
  define(marker: number, segment: Uint8Array): void {
    if (marker === HUFFMAN) this.#defineCodes(segment);
    else if (marker === QUANTIZATION) this.#defineSteps(segment);
    else if (marker === RESTART_INTERVAL) this.#restartInterval = wordAt(segment, 0);
    else if (FRAME_HEADERS.has(marker)) this.#defineComponents(segment);
  }

  /** Reads the header of a scan (ISO/IEC 10918-1 §B.2.3). */
  scan(segment: Uint8Array): Omit<JpegScan, keyof EntropyCoded> {
    const count = segment[0] ?? 0;
    if (count < 1 || segment.length !== 4 + count * 2) throw brokenJpeg();
    const components = Array.from({ length: count }, (_, at) => {
      const index = this.#components.findIndex(({ id }) => id === segment[1 + at * 2]);
      const component = this.#components[index];
      if (component === undefined) throw brokenJpeg();
      const tables = segment[2 + at * 2] ?? 0;
      const { across, down, quantizer } = component;
      const [dc, ac] = [this.#codes.get(tables >> 4), this.#codes.get(AC_CLASS + (tables & 15))];
      return { index, across, down, dc, ac, steps: this.#steps.get(quantizer) };
    });
    const [predictor = 0, , approximation = 0] = segment.subarray(1 + count * 2);
    return {
      components,
      predictor,
      pointTransform: approximation & 15,
      restartInterval: this.#restartInterval,
    };
  }

  #defineComponents(segment: Uint8Array): void {
    const count = segment[5] ?? 0;
    if (segment.length !== 6 + count * 3) throw brokenJpeg();
    this.#components = Array.from({ length: count }, (_, index) => {
      const [id = 0, factors = 0, quantizer = 0] = segment.subarray(6 + index * 3);
      return { id, across: factors >> 4, down: factors & 15, quantizer };
    });
  }

  #defineCodes(segment: Uint8Array): void {
    for (let at = 0; at < segment.length;) {
      const from = at + 1 + CODE_LENGTHS;
      const counts = segment.subarray(at + 1, from);
      const end = from + counts.reduce((sum, count) => sum + count, 0);
      if (end > segment.length) throw brokenJpeg();
      this.#codes.set(segment[at] ?? 0, huffmanTable(counts, segment.slice(from, end)));
      at = end;
    }
  }

  #defineSteps(segment: Uint8Array): void {
    for (let at = 0; at < segment.length;) {
      const width = (segment[at] ?? 0) >> 4 === 0 ? 1 : 2;
      const from = at + 1;
      const end = from + BLOCK * width;
      if (end > segment.length) throw brokenJpeg();
      const step = (index: number) =>
        width === 1 ? segment[from + index] : wordAt(segment, from + index * 2);
      this.#steps.set(
        (segment[at] ?? 0) & 15,
        Uint16Array.from({ length: BLOCK }, (_, index) => step(index) ?? 0),
      );
      at = end;
    }
  }
}

type EntropyCoded = Pick<JpegScan, 'bytes' | 'parts'>;

/** Removes stuffed bytes and restart markers (ISO/IEC 10918-1 §F.1.2.3, §E.1.4). `next`: where the following marker segment begins. */
function entropyCoded(stream: Uint8Array, from: number): EntropyCoded & { readonly next: number } {
  const bytes = new Uint8Array(stream.length - from);
  const parts: RestartPart[] = [];
  let [size, start] = [0, 0];
  for (let at = from; ;) {
    const found = stream.indexOf(FILL, at);
    const end = found === -1 ? stream.length : found;
    bytes.set(stream.subarray(at, end), size);
    size += end - at;
    const marker = stream[end + 1];
    at = end + 2;
    if (marker === 0) {
      bytes[size] = FILL;
      size += 1;
    } else if (marker === FILL) at = end + 1;
    else {
      parts.push({ start, end: size });
      start = size;
      if (marker === undefined || marker < FIRST_RESTART || marker > LAST_RESTART)
        return { bytes: bytes.subarray(0, size), parts, next: end };
      if (marker !== FIRST_RESTART + ((parts.length - 1) % 8)) throw brokenJpeg();
    }
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
}
