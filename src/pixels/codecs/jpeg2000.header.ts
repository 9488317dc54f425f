import { PixelsRefused } from '../pixels.refused.js';

/** The image and the components of a JPEG 2000 codestream (ISO/IEC 15444-1 §A.5.1). */
export interface Jpeg2000Header {
  readonly rows: number;
  readonly columns: number;
  readonly components: number;
  readonly precision: number;
  /** Whether the samples are signed in the stream. */
  readonly isSigned: boolean;
  /** Where the last tile-part ends, in bytes. The end marker follows, unless the writer left it out. */
  readonly end: number;
  /** Whether all tile-parts say their lengths, or an end marker follows. Otherwise, a truncated stream looks like a whole one. */
  readonly isWhole: boolean;
  /** How often the size can be halved: the number of decompositions of all components. 0 if the components differ. */
  readonly levels: number;
}

const SIGNATURE_BOX = 0x6a502020;
const CODESTREAM_BOX = 0x6a703263;
const START = 0xff4fff51;
const SIZ_AT = 4;
const SIZ_FIXED = 38;
const START_OF_TILE = 0xff90;
/** Coding style of all components, and of one component. */
const CODING_STYLE = 0xff52;
const COMPONENT_STYLE = 0xff53;
const LEVELS_OFFSET = 9;
const END = 0xffd9;
const MOST_COMPONENTS = 3;
/** The bit of the sign in the depth of a component. */
const SIGN = 0x80;
const MOST_TILES = 65_535;

/** The codestream in a frame. Some writers store a JP2 file (ISO/IEC 15444-1 Annex I) around it. Throws `PixelsRefused` without one. */
export function codestreamOf(frame: Uint8Array): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < 12 || view.getUint32(4) !== SIGNATURE_BOX) return frame;
  for (let at = 0; at + 8 <= frame.length;) {
    const length = view.getUint32(at);
    const type = view.getUint32(at + 4);
    const end = length === 0 ? frame.length : at + length;
    // A length of 1 announces a length of 64 bits, which no frame needs.
    if ((length !== 0 && length < 8) || end > frame.length) break;
    if (type === CODESTREAM_BOX) return frame.subarray(at + 8, end);
    at = end;
  }
  throw broken();
}

/**
 * Reads and checks the headers of a codestream: the components have the size of the image and one precision, and the tile-parts are inside
 * of the stream and complete. Throws `PixelsRefused`.
 */
export function jpeg2000Header(stream: Uint8Array): Jpeg2000Header {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length);
  const word = (at: number) => (at + 2 > stream.length ? refuse() : view.getUint16(at));
  const long = (at: number) => (at + 4 > stream.length ? refuse() : view.getUint32(at));
  if (stream.length < SIZ_AT + SIZ_FIXED || view.getUint32(0) !== START) refuse();
  const length = word(SIZ_AT);
  const components = word(SIZ_AT + 36);
  if (components < 1 || components > MOST_COMPONENTS || length !== SIZ_FIXED + 3 * components) refuse();
  const [right = 0, bottom = 0, left = 0, top = 0, tileWidth = 0, tileHeight = 0, tileLeft = 0, tileTop = 0] =
    Array.from({ length: 8 }, (_, index) => long(SIZ_AT + 4 + index * 4));
  const [columns, rows] = [right - left, bottom - top];
  if (columns < 1 || rows < 1 || tileWidth < 1 || tileHeight < 1 || tileLeft > left || tileTop > top)
    refuse();
  const tiles = Math.ceil((right - tileLeft) / tileWidth) * Math.ceil((bottom - tileTop) / tileHeight);
  if (tiles > MOST_TILES) refuse();
  const depth = stream[SIZ_AT + SIZ_FIXED] ?? 0;
  for (let index = 0; index < components; index += 1) {
    const [bits, across, down] = stream.subarray(SIZ_AT + SIZ_FIXED + index * 3);
    // With other distances of the samples, decoders return bytes of their memory as pixels.
    if (bits !== depth || across !== 1 || down !== 1) refuse();
  }
  const tileParts = endOfTileParts(stream, SIZ_AT + length, tiles, word, long);
  return { rows, columns, components, precision: (depth & 0x7f) + 1, isSigned: depth >= SIGN, ...tileParts };
}

/**
 * A copy of the codestream up to its last tile-part, with an end marker and with unsigned components. A signed component is coded like an
 * unsigned component whose samples are larger by half their range.
 */
export function unsignedCodestream(stream: Uint8Array, { components, end }: Jpeg2000Header): Uint8Array {
  const copy = new Uint8Array(end + 2);
  copy.set(stream.subarray(0, end));
  copy.set([END >> 8, END & 0xff], end);
  for (let index = 0; index < components; index += 1) {
    const at = SIZ_AT + SIZ_FIXED + index * 3;
    copy[at] = (copy[at] ?? 0) & ~SIGN;
  }
  return copy;
}

/** A copy of a codestream of one component that marks its samples as signed. See {@link unsignedCodestream}. */
export function signedCodestream(stream: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(stream);
  copy[SIZ_AT + SIZ_FIXED] = (copy[SIZ_AT + SIZ_FIXED] ?? 0) | SIGN;
  return copy;
}

/** Follows the marker segments and the tile-parts to their end (ISO/IEC 15444-1 §A.4.2). */
function endOfTileParts(
  stream: Uint8Array,
  start: number,
  tiles: number,
  word: (at: number) => number,
  long: (at: number) => number,
): Pick<Jpeg2000Header, 'end' | 'isWhole' | 'levels'> {
  const size = stream.length;
  let at = start;
  let levels: number | undefined;
  while (word(at) !== START_OF_TILE) {
    const length = word(at + 2);
    if (length < 2) refuse();
    if (word(at) === CODING_STYLE) levels ??= stream[at + LEVELS_OFFSET];
    if (word(at) === COMPONENT_STYLE) levels = 0;
    at += 2 + length;
  }
  const found = new Set<number>();
  let hasLengths = true;
  while (at < size && word(at) === START_OF_TILE) {
    const tile = word(at + 4);
    const length = long(at + 6);
    // A length of 0 means that the last tile-part continues to the end of the codestream.
    const end = length === 0 ? size : at + length;
    if (tile >= tiles || (length !== 0 && length < 14) || end > size) refuse();
    if (length === 0) hasLengths = false;
    found.add(tile);
    at = end;
  }
  // Some writers leave the end marker out, and some pad the frame.
  const isEnd = size - at < 2 || word(at) === END || word(at) === 0;
  if (found.size !== tiles || !isEnd) refuse();
  // A frame of an odd number of bytes is padded.
  const hasEnd = [size - 2, size - 3].some((last) => word(last) === END);
  return { end: at, isWhole: hasLengths || hasEnd, levels: levels ?? 0 };
}

function refuse(): never {
  throw broken();
}

function broken(): PixelsRefused {
  return new PixelsRefused('the headers of the compressed pixels are broken');
}
