import { crc32, deflateSync } from 'node:zlib';

/** Longest part of a profile in one segment of a JPEG (ICC.1 annex B.4). */
const SEGMENT_BYTES = 65_519;
const MOST_SEGMENTS = 255;
/** Longest profile that fits into every media type. */
export const LONGEST_PROFILE = SEGMENT_BYTES * MOST_SEGMENTS;

/** Adds an ICC profile to an encoded picture without a profile. `type`: its media type. A GIF stays as it is, because it has no profile. */
export function withProfile(picture: Buffer, type: string, profile: Buffer): Buffer {
  if (type === 'image/jpeg') return jpegWithProfile(picture, profile);
  if (type === 'image/png') return pngWithProfile(picture, profile);
  return type === 'image/webp' ? webpWithProfile(picture, profile) : picture;
}

/** Inserts segments APP2 after the start of the image. */
function jpegWithProfile(picture: Buffer, profile: Buffer): Buffer {
  const count = Math.ceil(profile.length / SEGMENT_BYTES);
  const segments = Array.from({ length: count }, (_, index) => {
    const part = profile.subarray(index * SEGMENT_BYTES, (index + 1) * SEGMENT_BYTES);
    const head = Buffer.from('\xff\xe2\0\0ICC_PROFILE\0\0\0', 'latin1');
    head.writeUInt16BE(head.length - 2 + part.length, 2);
    head[16] = index + 1;
    head[17] = count;
    return Buffer.concat([head, part]);
  });
  return Buffer.concat([picture.subarray(0, 2), ...segments, picture.subarray(2)]);
}

/** Inserts a chunk iCCP after the header of the image. */
function pngWithProfile(picture: Buffer, profile: Buffer): Buffer {
  const end = 8 + 12 + picture.readUInt32BE(8);
  const data = Buffer.concat([Buffer.from('iCCPicc\0\0', 'latin1'), deflateSync(profile)]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length - 4);
  frame.writeUInt32BE(crc32(data), 4);
  return Buffer.concat([
    picture.subarray(0, end),
    frame.subarray(0, 4),
    data,
    frame.subarray(4),
    picture.subarray(end),
  ]);
}

/** Inserts a chunk ICCP, and the chunk VP8X that must precede it (RFC 9649 §2.7). */
function webpWithProfile(picture: Buffer, profile: Buffer): Buffer {
  const isExtended = picture.toString('latin1', 12, 16) === 'VP8X';
  const extended = isExtended ? Buffer.from(picture.subarray(12, 30)) : extendedChunk(picture);
  extended[8] = (extended[8] ?? 0) | 0x20;
  const head = Buffer.from('ICCP\0\0\0\0', 'latin1');
  head.writeUInt32LE(profile.length, 4);
  const rest = picture.subarray(isExtended ? 30 : 12);
  const body = Buffer.concat([extended, head, profile, Buffer.alloc(profile.length % 2), rest]);
  const riff = Buffer.from('RIFF\0\0\0\0WEBP', 'latin1');
  riff.writeUInt32LE(body.length + 4, 4);
  return Buffer.concat([riff, body]);
}

/** The chunk VP8X of a picture with loss and without transparency. */
function extendedChunk(picture: Buffer): Buffer {
  const chunk = Buffer.from('VP8X\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0', 'latin1');
  chunk.writeUIntLE((picture.readUInt16LE(26) & 0x3fff) - 1, 12, 3);
  chunk.writeUIntLE((picture.readUInt16LE(28) & 0x3fff) - 1, 15, 3);
  return chunk;
}
