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
  ['1.2.840.10008.1.2.4.201', 'image/jphc'],
  ['1.2.840.10008.1.2.4.202', 'image/jphc'],
  ['1.2.840.10008.1.2.4.203', 'image/jphc'],
  ['1.2.840.10008.1.2.5', 'image/dicom-rle'],
  ['1.2.840.10008.1.2.4.100', 'video/mpeg'],
  ['1.2.840.10008.1.2.4.101', 'video/mpeg'],
  ['1.2.840.10008.1.2.4.102', 'video/mp4'],
  ['1.2.840.10008.1.2.4.103', 'video/mp4'],
  ['1.2.840.10008.1.2.4.104', 'video/mp4'],
  ['1.2.840.10008.1.2.4.105', 'video/mp4'],
  ['1.2.840.10008.1.2.4.106', 'video/mp4'],
  ['1.2.840.10008.1.2.4.107', 'video/mp4'],
  ['1.2.840.10008.1.2.4.108', 'video/mp4'],
]);

export const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';
/** Uncompressed pixels, which the archive gives in little endian whatever the file's encoding. */
const UNCOMPRESSED = new Set([
  '1.2.840.10008.1.2',
  EXPLICIT_LITTLE_ENDIAN,
  '1.2.840.10008.1.2.1.99',
  '1.2.840.10008.1.2.2',
]);

/** The media type of a compressed frame, `undefined` for an uncompressed one. */
export function compressedType(transferSyntax: string): string | undefined {
  return COMPRESSED.get(transferSyntax);
}

/** Whether frames of this transfer syntax come as the bytes of Explicit VR Little Endian. */
export function comesAsLittleEndian(transferSyntax: string): boolean {
  return UNCOMPRESSED.has(transferSyntax);
}
