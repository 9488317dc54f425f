import { inflateSync } from 'node:zlib';
import { expect } from 'vitest';

/** The size of a PNG or JPEG. */
export function pictureSize(image: Buffer): [width: number, height: number] {
  if (image.readUInt16BE(0) === 0x8950) return [image.readUInt32BE(16), image.readUInt32BE(20)];
  expect(image.readUInt16BE(0)).toBe(0xffd8);
  for (let offset = 2; ; offset += 2 + image.readUInt16BE(offset + 2)) {
    const marker = image[offset + 1] ?? 0;
    if (marker >= 0xc0 && marker <= 0xc3)
      return [image.readUInt16BE(offset + 7), image.readUInt16BE(offset + 5)];
  }
}

/** The samples of an 8-bit PNG with any filter (W3C PNG §9). */
export function pictureSamples(png: Buffer): Buffer {
  const [width, height] = pictureSize(png);
  const step = png[25] === 2 ? 3 : 1;
  const data: Buffer[] = [];
  for (let offset = 8; offset < png.length; offset += 12 + png.readUInt32BE(offset)) {
    if (png.toString('latin1', offset + 4, offset + 8) === 'IDAT')
      data.push(png.subarray(offset + 8, offset + 8 + png.readUInt32BE(offset)));
  }
  const raw = inflateSync(Buffer.concat(data));
  const line = width * step;
  const out = Buffer.alloc(line * height);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (line + 1)] ?? 0;
    for (let x = 0; x < line; x += 1) {
      const left = x < step ? 0 : (out[y * line + x - step] ?? 0);
      const up = y === 0 ? 0 : (out[(y - 1) * line + x] ?? 0);
      const corner = y === 0 || x < step ? 0 : (out[(y - 1) * line + x - step] ?? 0);
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0;
      out[y * line + x] = ((raw[y * (line + 1) + 1 + x] ?? 0) + guess) & 255;
    }
  }
  return out;
}

function paeth(left: number, up: number, corner: number): number {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}
