import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodedFormat, decodeFrame } from '../../src/pixels/frame.decoder.js';
import type { PixelFormat } from '../../src/pixels/pixel.format.js';
import { PixelsRefused } from '../../src/pixels/pixels.refused.js';

const [rows, columns] = [37, 51];

function formatOf(photometric: PixelFormat['photometric'], more: Partial<PixelFormat> = {}): PixelFormat {
  const bits = { bitsAllocated: 8, bitsStored: 8, highBit: 7, isSigned: false };
  return { rows, columns, photometric, isPlanar: false, numbers: 'integer', ...bits, ...more };
}

const waves = (x: number, y: number, c: number) => 128 + 90 * Math.sin(x / 17 + c) * Math.cos(y / 13 - c);

/** A smooth image. Lossy compression changes it little. */
function painted(channels: 1 | 3): Buffer {
  return Buffer.from(
    Array.from({ length: rows * columns * channels }, (_, at) => {
      const pixel = Math.floor(at / channels);
      return Math.round(waves(pixel % columns, Math.floor(pixel / columns), at % channels));
    }),
  );
}

async function encoded(channels: 1 | 3, chromaSubsampling = '4:4:4', progressive = false): Promise<Buffer> {
  const image = sharp(painted(channels), { raw: { width: columns, height: rows, channels } });
  const raw = channels === 1 ? image.toColourspace('b-w') : image;
  return raw.jpeg({ quality: 95, chromaSubsampling, progressive }).toBuffer();
}

async function decodedBytes(photometric: PixelFormat['photometric'], bytes: Buffer): Promise<Uint8Array> {
  return (await decodeFrame('jpeg', formatOf(photometric), bytes)).bytes;
}

/** The largest difference between two images. */
function largest(one: Uint8Array, other: Uint8Array): number {
  expect(one.length).toBe(other.length);
  return one.reduce((most, value, at) => Math.max(most, Math.abs(value - (other[at] ?? 0))), 0);
}

describe('JPEG baseline', () => {
  it.each([
    ['MONOCHROME2', 1, '4:4:4'],
    ['PALETTE COLOR', 1, '4:4:4'],
    ['YBR_FULL_422', 3, '4:2:0'],
    ['YBR_FULL', 3, '4:4:4'],
  ] as const)(
    'of %s with %i samples (%s) is decoded, colours as RGB',
    async (photometric, channels, kind) => {
      const format = formatOf(photometric, { isPlanar: channels === 3 });
      const decoded = await decodeFrame('jpeg', format, await encoded(channels, kind));
      expect(largest(decoded.bytes, painted(channels))).toBeLessThanOrEqual(kind === '4:2:0' ? 24 : 8);
      const expected = channels === 3 ? 'RGB' : photometric;
      expect(decoded.format).toMatchObject({ photometric: expected, isPlanar: false });
      expect(decodedFormat(format, 'jpeg')).toEqual(decoded.format);
    },
  );

  it('without a marker for its colours is transformed only if Photometric Interpretation says so', async () => {
    const plain = await encoded(3);
    const jfif = Buffer.from('ffe000104a46494600010100000100010000', 'hex');
    const stream = Buffer.concat([plain.subarray(0, 2), jfif, plain.subarray(2)]);
    const rgb = painted(3);
    const ybr = rgb.map((_, at) => {
      const [r = 0, g = 0, b = 0] = rgb.subarray(at - (at % 3));
      const y = 0.299 * r + 0.587 * g + 0.114 * b;
      return Math.round([y, (b - y) / 1.772 + 128, (r - y) / 1.402 + 128][at % 3] ?? 0);
    });
    expect(largest(await decodedBytes('RGB', plain), ybr)).toBeLessThanOrEqual(8);
    expect(largest(await decodedBytes('YBR_FULL', plain), rgb)).toBeLessThanOrEqual(8);
    expect(largest(await decodedBytes('RGB', stream), rgb)).toBeLessThanOrEqual(8);
  });

  it('of 8 bits in words of 16 bits fills the words', async () => {
    const format = formatOf('MONOCHROME2', { bitsAllocated: 16 });
    const { bytes } = await decodeFrame('jpeg', format, await encoded(1));
    expect(bytes).toHaveLength(rows * columns * 2);
    const low = bytes.filter((_, at) => at % 2 === 0);
    expect(largest(low, painted(1))).toBeLessThanOrEqual(8);
    expect(bytes.filter((_, at) => at % 2 === 1).every((byte) => byte === 0)).toBe(true);
  });

  it('that contradicts the header is refused', async () => {
    const [grey, colour] = [await encoded(1), await encoded(3)];
    const contradictions: [format: PixelFormat, stream: Uint8Array][] = [
      [formatOf('MONOCHROME2', { rows: 38 }), grey],
      [formatOf('MONOCHROME2', { columns: 50 }), grey],
      [formatOf('MONOCHROME2', { bitsAllocated: 16, bitsStored: 12, highBit: 11 }), grey],
      [formatOf('MONOCHROME2', { bitsAllocated: 32 }), grey],
      [formatOf('RGB'), grey],
      [formatOf('MONOCHROME2'), colour],
      [formatOf('MONOCHROME2'), await encoded(1, '4:4:4', true)],
      [formatOf('MONOCHROME2'), grey.subarray(0, 30)],
      [formatOf('MONOCHROME2'), new Uint8Array(0)],
      [formatOf('MONOCHROME2'), new Uint8Array(500)],
      [formatOf('MONOCHROME2'), new Uint8Array(500).fill(255)],
    ];
    for (const [format, bytes] of contradictions)
      await expect(decodeFrame('jpeg', format, bytes)).rejects.toBeInstanceOf(PixelsRefused);
  });

  it('that is truncated or altered is refused, or decoded to its full length', async () => {
    const stream = await encoded(1);
    const cut = Array.from({ length: 40 }, (_, index) => stream.subarray(0, (index * stream.length) / 40));
    const altered = Array.from({ length: 120 }, (_, index) => {
      const copy = Uint8Array.from(stream);
      const bit = (index * 7919) % (stream.length * 8);
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return copy;
    });
    for (const one of [...cut, ...altered]) {
      const outcome = await decodeFrame('jpeg', formatOf('MONOCHROME2'), one).catch(
        (error: unknown) => error,
      );
      if (outcome instanceof PixelsRefused) continue;
      expect(outcome).toMatchObject({ bytes: { length: rows * columns } });
    }
  });
});
