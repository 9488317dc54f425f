import { PixelsRefused } from '../pixels.refused.js';

/** The image of a JPEG XL codestream (ISO/IEC 18181-1). */
export interface JpegXlHeader {
  readonly rows: number;
  readonly columns: number;
  readonly components: number;
  readonly precision: number;
}

const CODESTREAM = 0xff0a;
const CONTAINER = 0x4a584c20;
const WHOLE_CODESTREAM = 0x6a786c63;
const PART_OF_CODESTREAM = 0x6a786c70;
/** Numerators and denominators of the aspect ratios from 1 to 7 (ISO/IEC 18181-1 table D.2). */
const RATIOS = [
  [1, 1],
  [12, 10],
  [4, 3],
  [3, 2],
  [16, 9],
  [5, 4],
  [2, 1],
] as const;
const GREY = 1;

/** A number in one of four forms, which the next two bits choose. A form is a constant, or an offset and a number of bits. */
type Form = readonly [offset: number, bits: number];
const SIZES: readonly Form[] = [
  [1, 9],
  [1, 13],
  [1, 18],
  [1, 30],
];
const DEPTHS: readonly Form[] = [
  [8, 0],
  [10, 0],
  [12, 0],
  [1, 6],
];
const EXTRA_CHANNELS: readonly Form[] = [
  [0, 0],
  [1, 0],
  [2, 4],
  [1, 12],
];
const ENUMERATION: readonly Form[] = [
  [0, 0],
  [1, 0],
  [2, 4],
  [18, 6],
];

/**
 * Reads the size and the image metadata of a stream (ISO/IEC 18181-1 Annex D). Throws `PixelsRefused` for a broken header, and for images
 * that DICOM does not have: turned, animated, with a preview, with further channels, or with floating point samples.
 */
export function jpegXlHeader(frame: Uint8Array): JpegXlHeader {
  const bits = new HeaderBits(codestreamOf(frame));
  if (bits.read(8) * 256 + bits.read(8) !== CODESTREAM) throw broken();
  const { rows, columns } = sizeOf(bits);
  if (bits.flag()) return { rows, columns, components: 3, precision: 8 };
  // Extra fields: orientation, intrinsic size, preview, animation.
  if (bits.flag() && bits.read(6) !== 0) throw broken();
  if (bits.flag()) throw broken();
  const precision = bits.number(DEPTHS);
  // A hint for the buffers of the decoder has no effect.
  bits.flag();
  if (bits.number(EXTRA_CHANNELS) !== 0) throw broken();
  // Whether the colours are XYB. The decoder converts them.
  bits.flag();
  return { rows, columns, components: isGrey(bits) ? 1 : 3, precision };
}

function sizeOf(bits: HeaderBits): { readonly rows: number; readonly columns: number } {
  const isSmall = bits.flag();
  const side = () => (isSmall ? (bits.read(5) + 1) * 8 : bits.number(SIZES));
  const rows = side();
  const ratio = RATIOS[bits.read(3) - 1];
  return { rows, columns: ratio === undefined ? side() : Math.floor((rows * ratio[0]) / ratio[1]) };
}

/** Reads the colour encoding up to the colour space. */
function isGrey(bits: HeaderBits): boolean {
  if (bits.flag()) return false;
  bits.flag();
  return bits.number(ENUMERATION) === GREY;
}

/** The codestream, or its first part in a container (ISO/IEC 18181-2 §9). */
function codestreamOf(frame: Uint8Array): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < 12 || view.getUint32(4) !== CONTAINER) return frame;
  for (let at = 0; at + 8 <= frame.length;) {
    const length = view.getUint32(at);
    const type = view.getUint32(at + 4);
    const end = length === 0 ? frame.length : at + length;
    if ((length !== 0 && length < 8) || end > frame.length) break;
    if (type === WHOLE_CODESTREAM) return frame.subarray(at + 8, end);
    // A part begins with its number.
    if (type === PART_OF_CODESTREAM) return frame.subarray(at + 12, end);
    at = end;
  }
  throw broken();
}

/** Reads bits, the lowest bit of a byte first. Throws `PixelsRefused` after the last byte. */
class HeaderBits {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(count: number): number {
    let value = 0;
    for (let index = 0; index < count; index += 1, this.#at += 1) {
      const byte = this.#bytes[this.#at >> 3];
      if (byte === undefined) throw broken();
      value += ((byte >> (this.#at & 7)) & 1) * 2 ** index;
    }
    return value;
  }

  flag(): boolean {
    return this.read(1) === 1;
  }

  number(forms: readonly Form[]): number {
    const [offset, bits] = forms[this.read(2)] ?? [0, 0];
    return offset + this.read(bits);
  }
}

function broken(): PixelsRefused {
  return new PixelsRefused('the headers of the compressed pixels are broken');
}
