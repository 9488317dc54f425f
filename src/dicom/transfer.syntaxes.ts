/** How the pixels of an instance are stored, as far as the catalog knows. */
export interface StoredPixels {
  readonly transferSyntax: string;
  readonly frames: number;
  readonly rows: number | undefined;
  readonly columns: number | undefined;
  readonly bitsAllocated: number | undefined;
}

/** What files are written into beside what they are stored in: Implicit and Explicit VR Little Endian. */
export type Uncompressed = '1.2.840.10008.1.2' | '1.2.840.10008.1.2.1';

/** Media types of compressed frames by transfer syntax (PS3.18 §8.7.3.3.2); what is not here is uncompressed. */
const COMPRESSED: ReadonlyMap<string, string> = new Map([
  ['1.2.840.10008.1.2.4.50', 'image/jpeg'],
  ['1.2.840.10008.1.2.4.51', 'image/jpeg'],
  ['1.2.840.10008.1.2.4.57', 'image/jpeg'],
  ['1.2.840.10008.1.2.4.70', 'image/jpeg'],
  ['1.2.840.10008.1.2.4.80', 'image/jls'],
  ['1.2.840.10008.1.2.4.81', 'image/jls'],
  ['1.2.840.10008.1.2.4.90', 'image/jp2'],
  ['1.2.840.10008.1.2.4.91', 'image/jp2'],
  ['1.2.840.10008.1.2.4.92', 'image/jpx'],
  ['1.2.840.10008.1.2.4.93', 'image/jpx'],
  ['1.2.840.10008.1.2.4.110', 'image/jxl'],
  ['1.2.840.10008.1.2.4.111', 'image/jxl'],
  ['1.2.840.10008.1.2.4.112', 'image/jxl'],
  ['1.2.840.10008.1.2.4.201', 'image/jphc'],
  ['1.2.840.10008.1.2.4.202', 'image/jphc'],
  ['1.2.840.10008.1.2.4.203', 'image/jphc'],
  ['1.2.840.10008.1.2.5', 'image/dicom-rle'],
  ['1.2.840.10008.1.2.4.100', 'video/mpeg'],
  ['1.2.840.10008.1.2.4.100.1', 'video/mpeg'],
  ['1.2.840.10008.1.2.4.101', 'video/mpeg'],
  ['1.2.840.10008.1.2.4.101.1', 'video/mpeg'],
  ['1.2.840.10008.1.2.4.102', 'video/mp4'],
  ['1.2.840.10008.1.2.4.102.1', 'video/mp4'],
  ['1.2.840.10008.1.2.4.103', 'video/mp4'],
  ['1.2.840.10008.1.2.4.103.1', 'video/mp4'],
  ['1.2.840.10008.1.2.4.104', 'video/mp4'],
  ['1.2.840.10008.1.2.4.104.1', 'video/mp4'],
  ['1.2.840.10008.1.2.4.105', 'video/mp4'],
  ['1.2.840.10008.1.2.4.105.1', 'video/mp4'],
  ['1.2.840.10008.1.2.4.106', 'video/mp4'],
  ['1.2.840.10008.1.2.4.106.1', 'video/mp4'],
  ['1.2.840.10008.1.2.4.107', 'video/mp4'],
  ['1.2.840.10008.1.2.4.108', 'video/mp4'],
]);

/** The SOP class whose instances are shown as the document they hold. */
export const ENCAPSULATED_PDF = '1.2.840.10008.5.1.4.1.1.104.1';

export const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';
export const IMPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2';
const EXPLICIT_BIG_ENDIAN = '1.2.840.10008.1.2.2';
/** Uncompressed pixels, which the archive gives in little endian whatever the file's encoding. */
const UNCOMPRESSED = new Set([
  IMPLICIT_LITTLE_ENDIAN,
  EXPLICIT_LITTLE_ENDIAN,
  '1.2.840.10008.1.2.1.99',
  EXPLICIT_BIG_ENDIAN,
]);
/** What the archive can decode: JPEG baseline, extended and lossless, JPEG-LS, JPEG 2000, RLE. */
const DECODED = new Set([
  '1.2.840.10008.1.2.4.50',
  '1.2.840.10008.1.2.4.51',
  '1.2.840.10008.1.2.4.57',
  '1.2.840.10008.1.2.4.70',
  '1.2.840.10008.1.2.4.80',
  '1.2.840.10008.1.2.4.81',
  '1.2.840.10008.1.2.4.90',
  '1.2.840.10008.1.2.4.91',
  '1.2.840.10008.1.2.5',
]);
/** The archive holds a decoded file in memory, about twice. */
const LARGEST_DECODED = 512 * 1024 * 1024;

/** The media type of a compressed frame, `undefined` for an uncompressed one. */
export function compressedType(transferSyntax: string): string | undefined {
  return COMPRESSED.get(transferSyntax);
}

/** The media type of a video, `undefined` for everything else. */
export function videoType(transferSyntax: string): string | undefined {
  const type = COMPRESSED.get(transferSyntax);
  return type?.startsWith('video/') === true ? type : undefined;
}

/** Whether frames of this transfer syntax come as the bytes of Explicit VR Little Endian. */
export function comesAsLittleEndian(transferSyntax: string): boolean {
  return UNCOMPRESSED.has(transferSyntax);
}

/** Whether this instance can be had in another uncompressed transfer syntax; what is very large decoded is left as it is. */
export function canBeDecoded(instance: StoredPixels): boolean {
  const { transferSyntax, rows = 0, columns = 0, bitsAllocated = 16, frames } = instance;
  // Pixels of more than 16 bits are written in more than one way in big endian.
  if (transferSyntax === EXPLICIT_BIG_ENDIAN) return bitsAllocated <= 16;
  if (UNCOMPRESSED.has(transferSyntax)) return true;
  // Samples per pixel are not in the catalog: three is the most that a compressed image has.
  const bytes = rows * columns * Math.ceil(bitsAllocated / 8) * 3 * Math.max(frames, 1);
  return DECODED.has(transferSyntax) && bitsAllocated > 1 && bytes <= LARGEST_DECODED;
}

/** Whether the archive can make a picture of its frames: pixels of whole bytes, uncompressed or in what it decodes. */
export function canBePictured(instance: StoredPixels): boolean {
  const { transferSyntax, rows, columns, bitsAllocated = 0, frames } = instance;
  if (rows === undefined || columns === undefined || frames < 1 || bitsAllocated < 8) return false;
  return UNCOMPRESSED.has(transferSyntax) || DECODED.has(transferSyntax);
}

/** The transfer syntax named, when it is one that files are decoded into. */
export function uncompressedTarget(transferSyntax: string | undefined): Uncompressed | undefined {
  if (transferSyntax === EXPLICIT_LITTLE_ENDIAN || transferSyntax === IMPLICIT_LITTLE_ENDIAN)
    return transferSyntax;
  return undefined;
}
