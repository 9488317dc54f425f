import type { Codec } from '../dicom/transfer.syntaxes.js';
import type { SelectedValues } from '../dicom/selected.values.js';
import { PixelsRefused } from './pixels.refused.js';

/** Photometric Interpretations (PS3.3 §C.7.6.3.1.2) that can be rendered, with their Samples per Pixel. */
const SAMPLES = {
  MONOCHROME1: 1,
  MONOCHROME2: 1,
  'PALETTE COLOR': 1,
  RGB: 3,
  YBR_FULL: 3,
  YBR_FULL_422: 3,
  YBR_RCT: 3,
  YBR_ICT: 3,
  XYB: 3,
} as const;

export type Photometric = keyof typeof SAMPLES;

/** How the pixels of a frame are encoded (PS3.3 §C.7.6.3, §C.7.6.24, §C.7.6.25; PS3.5 §8.1.1). */
export interface PixelFormat {
  readonly rows: number;
  readonly columns: number;
  readonly photometric: Photometric;
  /** Whether each sample has its own plane (Planar Configuration 1). */
  readonly isPlanar: boolean;
  readonly numbers: 'integer' | 'float' | 'double';
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly isSigned: boolean;
}

export const FLOAT_PIXELS = 0x7fe00008;
export const DOUBLE_PIXELS = 0x7fe00009;

/** The elements that {@link pixelFormatOf} reads. */
export const FORMAT_TAGS = [
  0x00280002, 0x00280004, 0x00280006, 0x00280010, 0x00280011, 0x00280100, 0x00280101, 0x00280102, 0x00280103,
];

/** Largest number of samples of a frame, and its largest size in bytes. */
const MAX_SAMPLES = 64 * 1024 * 1024;
const MAX_FRAME_BYTES = 128 * 1024 * 1024;

/**
 * Reads and checks the format of the pixels. `pixelData`: the tag of the element with the pixels. `codec`: their compression. Throws `PixelsRefused` when attributes are
 * missing, contradict each other, or describe pixels that are too large or not supported.
 */
export function pixelFormatOf(
  values: SelectedValues,
  pixelData: number,
  codec: Codec | undefined,
): PixelFormat {
  const photometric = values.text(0x00280004);
  if (!isPhotometric(photometric)) throw new PixelsRefused('unsupported Photometric Interpretation');
  const samples = values.short(0x00280002);
  if (samples !== SAMPLES[photometric])
    throw new PixelsRefused('Samples per Pixel contradicts Photometric Interpretation');
  const [rows = 0, columns = 0] = [values.short(0x00280010), values.short(0x00280011)];
  if (rows === 0 || columns === 0) throw new PixelsRefused('Rows or Columns is missing or 0');
  const planar = values.short(0x00280006) ?? 0;
  if (samples === 3 && planar > 1) throw new PixelsRefused('Planar Configuration is neither 0 nor 1');
  const isSigned = values.short(0x00280103) === 1;
  const format = {
    rows,
    columns,
    photometric,
    isPlanar: samples === 3 && planar === 1,
    isSigned,
    ...bitsOf(values, pixelData),
  };
  if (samples === 3) checkColour(format, codec);
  if (samplesOf(format) > MAX_SAMPLES || frameBits(format) / 8 > MAX_FRAME_BYTES)
    throw new PixelsRefused('the frame is too large');
  return format;
}

/** Whether the colours are transformed in the compressed stream (RCT or ICT of JPEG 2000). */
export function isTransformed(photometric: Photometric): boolean {
  return photometric === 'YBR_RCT' || photometric === 'YBR_ICT';
}

/** Samples per Pixel of a Photometric Interpretation. */
export function samplesPerPixel(photometric: Photometric): 1 | 3 {
  return SAMPLES[photometric];
}

/** Samples of one frame. */
export function samplesOf({ rows, columns, photometric }: PixelFormat): number {
  return rows * columns * SAMPLES[photometric];
}

/** Size of one uncompressed frame in bits. In YBR_FULL_422, two pixels share their chrominance samples. */
export function frameBits(format: PixelFormat): number {
  const { rows, columns, photometric, bitsAllocated } = format;
  const samples = photometric === 'YBR_FULL_422' ? 2 : SAMPLES[photometric];
  return rows * columns * samples * bitsAllocated;
}

/** The format of a frame whose size is halved several times. Odd sides are rounded up. */
export function halvedFormat(format: PixelFormat, times: number): PixelFormat {
  const halved = (side: number) => Math.ceil(side / 2 ** times);
  return times === 0 ? format : { ...format, rows: halved(format.rows), columns: halved(format.columns) };
}

/** Whether the pixels are colours, and not values that a window maps to grey. */
export function isColour({ photometric }: PixelFormat): boolean {
  return photometric !== 'MONOCHROME1' && photometric !== 'MONOCHROME2';
}

function isPhotometric(text: string): text is Photometric {
  return Object.hasOwn(SAMPLES, text);
}

type Bits = Pick<PixelFormat, 'numbers' | 'bitsAllocated' | 'bitsStored' | 'highBit'>;

function bitsOf(values: SelectedValues, pixelData: number): Bits {
  const bitsAllocated = values.short(0x00280100) ?? 0;
  if (pixelData === FLOAT_PIXELS || pixelData === DOUBLE_PIXELS) {
    const numbers = pixelData === FLOAT_PIXELS ? 'float' : 'double';
    if (bitsAllocated !== (numbers === 'float' ? 32 : 64))
      throw new PixelsRefused('Bits Allocated contradicts the floating point pixel data');
    if (values.text(0x00280004) !== 'MONOCHROME2')
      throw new PixelsRefused('floating point pixels that are not MONOCHROME2');
    return { numbers, bitsAllocated, bitsStored: bitsAllocated, highBit: bitsAllocated - 1 };
  }
  if (![1, 8, 16, 32].includes(bitsAllocated)) throw new PixelsRefused('unsupported Bits Allocated');
  const bitsStored = values.short(0x00280101) ?? bitsAllocated;
  const highBit = values.short(0x00280102) ?? bitsStored - 1;
  if (bitsStored < 1 || bitsStored > bitsAllocated || highBit < bitsStored - 1 || highBit >= bitsAllocated)
    throw new PixelsRefused('Bits Stored or High Bit contradicts Bits Allocated');
  if (bitsAllocated > 16 && values.text(0x00280004) === 'PALETTE COLOR')
    throw new PixelsRefused('palette indexes of more than 16 bits');
  return { numbers: 'integer', bitsAllocated, bitsStored, highBit };
}

function checkColour(
  { photometric, bitsAllocated, isSigned, columns, isPlanar }: PixelFormat,
  codec: Codec | undefined,
): void {
  if (isSigned || (bitsAllocated !== 8 && bitsAllocated !== 16))
    throw new PixelsRefused('colour samples that are not unsigned numbers of 8 or 16 bits');
  if (isTransformed(photometric) && codec !== 'jpeg-2000' && codec !== 'htj2k')
    throw new PixelsRefused('a transformation of JPEG 2000 in another transfer syntax');
  if (photometric === 'XYB' && codec !== 'jpeg-xl')
    throw new PixelsRefused('colours of JPEG XL in another transfer syntax');
  if (photometric === 'RGB' || photometric === 'XYB' || isTransformed(photometric)) return;
  // JPEG of 12 bits is decoded to RGB.
  if (bitsAllocated !== 8 && codec !== 'jpeg') throw new PixelsRefused('YBR samples of more than 8 bits');
  // In a compressed stream, the name only says that the stream may have less chrominance.
  if (codec === undefined && photometric === 'YBR_FULL_422' && (isPlanar || columns % 2 !== 0))
    throw new PixelsRefused('YBR_FULL_422 with planes or an odd number of columns');
}
