/** How the pixels of an instance are stored, according to the catalog. */
export interface StoredPixels {
  readonly transferSyntax: string;
  readonly frames: number;
  readonly rows: number | undefined;
  readonly columns: number | undefined;
  readonly bitsAllocated: number | undefined;
}

/** Transfer syntaxes that files can be converted to: Implicit and Explicit VR Little Endian. */
export type Uncompressed = '1.2.840.10008.1.2' | '1.2.840.10008.1.2.1';

/** Media types of compressed frames by transfer syntax (PS3.18 §8.7.3.3.2). All other transfer syntaxes are uncompressed. */
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

export const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';
export const IMPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2';
const EXPLICIT_BIG_ENDIAN = '1.2.840.10008.1.2.2';
/** Uncompressed transfer syntaxes. Orthanc returns their pixels in little endian. */
const UNCOMPRESSED = new Set([
  IMPLICIT_LITTLE_ENDIAN,
  EXPLICIT_LITTLE_ENDIAN,
  '1.2.840.10008.1.2.1.99',
  EXPLICIT_BIG_ENDIAN,
]);
/** A kind of compression that the gateway decodes. */
export type Codec = 'rle' | 'jpeg' | 'jpeg-lossless' | 'jpeg-ls' | 'jpeg-2000' | 'htj2k' | 'jpeg-xl';
const CODECS: ReadonlyMap<string, Codec> = new Map([
  ['1.2.840.10008.1.2.5', 'rle'],
  ['1.2.840.10008.1.2.4.50', 'jpeg'],
  ['1.2.840.10008.1.2.4.51', 'jpeg'],
  ['1.2.840.10008.1.2.4.57', 'jpeg-lossless'],
  ['1.2.840.10008.1.2.4.70', 'jpeg-lossless'],
  ['1.2.840.10008.1.2.4.80', 'jpeg-ls'],
  ['1.2.840.10008.1.2.4.81', 'jpeg-ls'],
  ['1.2.840.10008.1.2.4.90', 'jpeg-2000'],
  ['1.2.840.10008.1.2.4.91', 'jpeg-2000'],
  ['1.2.840.10008.1.2.4.110', 'jpeg-xl'],
  ['1.2.840.10008.1.2.4.111', 'jpeg-xl'],
  ['1.2.840.10008.1.2.4.112', 'jpeg-xl'],
  ['1.2.840.10008.1.2.4.201', 'htj2k'],
  ['1.2.840.10008.1.2.4.202', 'htj2k'],
  ['1.2.840.10008.1.2.4.203', 'htj2k'],
]);
/** A kind of lossless compression that the gateway encodes itself. */
export type Compression = 'rle' | 'jpeg-lossless' | 'jpeg-ls' | 'jpeg-2000' | 'htj2k';
/**
 * Transfer syntaxes that the gateway encodes, the default of each media type first (PS3.18 §8.7.3.3.2). The streams are lossless in all of
 * them, also where the transfer syntax allows loss.
 */
const COMPRESSIONS: ReadonlyMap<string, Compression> = new Map([
  ['1.2.840.10008.1.2.4.70', 'jpeg-lossless'],
  ['1.2.840.10008.1.2.4.57', 'jpeg-lossless'],
  ['1.2.840.10008.1.2.4.80', 'jpeg-ls'],
  ['1.2.840.10008.1.2.4.81', 'jpeg-ls'],
  ['1.2.840.10008.1.2.4.90', 'jpeg-2000'],
  ['1.2.840.10008.1.2.4.91', 'jpeg-2000'],
  ['1.2.840.10008.1.2.4.201', 'htj2k'],
  ['1.2.840.10008.1.2.4.202', 'htj2k'],
  ['1.2.840.10008.1.2.4.203', 'htj2k'],
  ['1.2.840.10008.1.2.5', 'rle'],
]);
/** The media type of a compressed frame. `undefined` for an uncompressed transfer syntax. */
export function compressedType(transferSyntax: string): string | undefined {
  return COMPRESSED.get(transferSyntax);
}

/** The media type of a video. `undefined` for a transfer syntax that is not video. */
export function videoType(transferSyntax: string): string | undefined {
  const type = COMPRESSED.get(transferSyntax);
  return type?.startsWith('video/') === true ? type : undefined;
}

/** The compression of a transfer syntax that the gateway decodes. `undefined` for all other transfer syntaxes. */
export function codecOf(transferSyntax: string): Codec | undefined {
  return CODECS.get(transferSyntax);
}

/** Whether all images of a transfer syntax are compressed with loss: JPEG baseline and extended. */
export function isAlwaysLossy(transferSyntax: string): boolean {
  return transferSyntax === '1.2.840.10008.1.2.4.50' || transferSyntax === '1.2.840.10008.1.2.4.51';
}

/** How the gateway compresses for a transfer syntax. `undefined` when it does not. */
export function compressionOf(transferSyntax: string): Compression | undefined {
  return COMPRESSIONS.get(transferSyntax);
}

/** The transfer syntax of frames of this media type, if a client names only the media type. `undefined` when it cannot be encoded. */
export function defaultCompressed(type: string): string | undefined {
  return [...COMPRESSIONS.keys()].find((transferSyntax) => COMPRESSED.get(transferSyntax) === type);
}

/** Whether the gateway can compress this instance, as far as the catalog knows: it decodes its frames, and a sample has 8, 16 or 32 bits. */
export function canBeCompressed(instance: StoredPixels): boolean {
  const { rows, columns, bitsAllocated = 0, frames } = instance;
  const isImage = rows !== undefined && columns !== undefined && frames > 0;
  return isImage && bitsAllocated >= 8 && canBeDecoded(instance);
}

/** Whether Orthanc returns frames of this transfer syntax uncompressed and in little endian. */
export function comesAsLittleEndian(transferSyntax: string): boolean {
  return UNCOMPRESSED.has(transferSyntax);
}

/** Whether this instance can be converted to an uncompressed transfer syntax. */
export function canBeDecoded({ transferSyntax, bitsAllocated = 16 }: StoredPixels): boolean {
  // Writers use different byte orders for big endian pixels with more than 16 bits.
  if (transferSyntax === EXPLICIT_BIG_ENDIAN) return bitsAllocated <= 16;
  return UNCOMPRESSED.has(transferSyntax) || (CODECS.has(transferSyntax) && bitsAllocated > 1);
}

/** Whether the instance has frames that can be rendered, according to the catalog. */
export function canBeRendered(instance: StoredPixels): boolean {
  const { transferSyntax, rows, columns, bitsAllocated, frames } = instance;
  if (rows === undefined || columns === undefined || bitsAllocated === undefined || frames < 1) return false;
  return UNCOMPRESSED.has(transferSyntax) || (CODECS.has(transferSyntax) && bitsAllocated >= 8);
}

/** Whether the gateway can convert an instance to a transfer syntax, as far as the catalog knows. */
export function canBeConverted(instance: StoredPixels, into: string): boolean {
  if (into === instance.transferSyntax) return true;
  if (uncompressedTarget(into) !== undefined) return canBeDecoded(instance);
  return compressionOf(into) !== undefined && canBeCompressed(instance);
}

/** Returns the given transfer syntax if it is an uncompressed one that files can be converted to. */
export function uncompressedTarget(transferSyntax: string | undefined): Uncompressed | undefined {
  if (transferSyntax === EXPLICIT_LITTLE_ENDIAN || transferSyntax === IMPLICIT_LITTLE_ENDIAN)
    return transferSyntax;
  return undefined;
}
