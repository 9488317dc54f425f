import { assert, asyncProperty, constantFrom, integer } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../src/pixels/encoders/frame.encoder.js';
import { type DecodedFrame, decodeFrame } from '../../src/pixels/frame.decoder.js';
import type { PixelFormat } from '../../src/pixels/pixel.format.js';
import { PixelsRefused } from '../../src/pixels/pixels.refused.js';
import { bytesOf, painted, pixelFormat } from './made.frames.ts';

const compressions = ['rle', 'jpeg-lossless', 'jpeg-ls', 'jpeg-2000', 'htj2k'] as const;

/** A frame of painted samples. Signed samples begin at the smallest value. */
function frameOf(format: PixelFormat, samples = 1): DecodedFrame {
  const { bitsAllocated, bitsStored, isSigned, rows, columns } = format;
  const least = isSigned ? 2 ** (bitsStored - 1) : 0;
  const values = painted(rows * columns * samples, bitsStored).map((value) => value - least);
  return { format, bytes: new Uint8Array(bytesOf(values, bitsAllocated > 8 ? 2 : 1)) };
}

const kinds = [
  ['grey of 8 bits', pixelFormat(8, 8)],
  ['grey of 1 of 8 bits', pixelFormat(8, 1)],
  ['grey of 16 bits', pixelFormat(16, 16)],
  ['grey of 12 of 16 bits', pixelFormat(16, 12)],
  ['grey of 7 of 16 bits', pixelFormat(16, 7)],
  ['MONOCHROME1', pixelFormat(8, 8, { photometric: 'MONOCHROME1' })],
  ['indexes of 8 bits', pixelFormat(8, 8, { photometric: 'PALETTE COLOR' })],
  ['indexes of 16 bits', pixelFormat(16, 16, { photometric: 'PALETTE COLOR' })],
  ['signed grey of 8 bits', pixelFormat(8, 8, { isSigned: true })],
  ['signed grey of 6 of 8 bits', pixelFormat(8, 6, { isSigned: true })],
  ['signed grey of 16 bits', pixelFormat(16, 16, { isSigned: true })],
  ['signed grey of 12 of 16 bits', pixelFormat(16, 12, { isSigned: true })],
  ['signed grey of 5 of 16 bits', pixelFormat(16, 5, { isSigned: true })],
  ['one pixel', pixelFormat(16, 12, { rows: 1, columns: 1 })],
  ['one row', pixelFormat(8, 8, { rows: 1, columns: 700 })],
  ['one column', pixelFormat(16, 16, { rows: 700, columns: 1 })],
] as const;

describe.each(compressions)('compressed by %s', (compression) => {
  const isWavelet = compression === 'jpeg-2000' || compression === 'htj2k';

  it.each(kinds)('%s comes back exactly', async (_, format) => {
    const frame = frameOf(format);
    const { photometric, bytes } = await encodeFrame(compression, frame);
    expect(photometric).toBe(format.photometric);
    const decoded = await decodeFrame(compression, { ...format, photometric }, bytes);
    expect(decoded.bytes).toEqual(frame.bytes);
  });

  // The encoders of JPEG 2000 and HTJ2K have no colours of more than 8 bits.
  const wide = isWavelet
    ? []
    : ([
        [16, 16, false],
        [16, 10, true],
      ] as const);
  it.each([[8, 8, false], [8, 8, true], ...wide] as const)(
    'RGB of %i bits with %i stored, in planes: %s, comes back pixel by pixel',
    async (allocated, stored, isPlanar) => {
      const format = pixelFormat(allocated, stored, { photometric: 'RGB' });
      const plain = frameOf(format, 3);
      const frame = isPlanar ? inPlanes(plain) : plain;
      const { photometric, bytes } = await encodeFrame(compression, frame);
      expect(photometric).toBe(isWavelet ? 'YBR_RCT' : 'RGB');
      const decoded = await decodeFrame(compression, { ...format, photometric }, bytes);
      expect(decoded.bytes).toEqual(plain.bytes);
    },
  );

  it.each([
    ['of one bit', pixelFormat(1, 1)],
    ['of floating point numbers', pixelFormat(32, 32, { numbers: 'float' })],
    ['with shared chrominance', pixelFormat(8, 8, { photometric: 'YBR_FULL_422', columns: 32 })],
  ])('a frame %s is refused', async (_, format) => {
    const bytes = new Uint8Array(4096);
    await expect(encodeFrame(compression, { format, bytes })).rejects.toThrow(PixelsRefused);
  });

  it('frames of random sizes and noise come back exactly', async () => {
    const side = integer({ min: 1, max: 40 });
    await assert(
      asyncProperty(side, side, constantFrom(8, 16), integer(), async (rows, columns, allocated, seed) => {
        const format = pixelFormat(allocated, allocated, { rows, columns });
        const noise = Uint8Array.from(
          { length: (rows * columns * allocated) / 8 },
          (__, at) => Math.imul(at + 1, seed | 1) >>> 24,
        );
        const { bytes } = await encodeFrame(compression, { format, bytes: noise });
        expect((await decodeFrame(compression, format, bytes)).bytes).toEqual(noise);
      }),
      { numRuns: 25 },
    );
  });
});

describe('samples that only some compressions have', () => {
  it('32 bits and a High Bit elsewhere are compressed by RLE, and refused by the others', async () => {
    for (const format of [pixelFormat(32, 32), pixelFormat(16, 12, { highBit: 15 })]) {
      const bytes = Uint8Array.from({ length: (21 * 33 * format.bitsAllocated) / 8 }, (_, at) => at * 3);
      const encoded = await encodeFrame('rle', { format, bytes });
      expect((await decodeFrame('rle', format, encoded.bytes)).bytes).toEqual(bytes);
      for (const other of ['jpeg-lossless', 'jpeg-ls', 'jpeg-2000', 'htj2k'] as const)
        await expect(encodeFrame(other, { format, bytes })).rejects.toThrow(PixelsRefused);
    }
  });

  it('YBR_FULL keeps its colours, and is refused by JPEG 2000', async () => {
    const frame = frameOf(pixelFormat(8, 8, { photometric: 'YBR_FULL' }), 3);
    for (const one of ['rle', 'jpeg-lossless', 'jpeg-ls', 'htj2k'] as const) {
      const { photometric, bytes } = await encodeFrame(one, frame);
      expect(photometric).toBe('YBR_FULL');
      expect((await decodeFrame(one, frame.format, bytes)).bytes).toEqual(frame.bytes);
    }
    const wide = frameOf(pixelFormat(16, 16, { photometric: 'RGB' }), 3);
    for (const refused of [frame, wide])
      await expect(encodeFrame('jpeg-2000', refused)).rejects.toThrow(PixelsRefused);
    await expect(encodeFrame('htj2k', wide)).rejects.toThrow(PixelsRefused);
  });

  it('RLE segments have an even length, and each row begins a run', async () => {
    const format = pixelFormat(8, 8, { rows: 2, columns: 3 });
    const { bytes } = await encodeFrame('rle', { format, bytes: Uint8Array.of(5, 5, 5, 5, 5, 6) });
    expect([...bytes.subarray(64)]).toEqual([254, 5, 255, 5, 0, 6]);
    const odd = await encodeFrame('rle', { format: { ...format, rows: 1 }, bytes: Uint8Array.of(1, 2, 4) });
    expect([...odd.bytes.subarray(64)]).toEqual([2, 1, 2, 4]);
  });
});

/** The frame with each sample in a plane of its own. */
function inPlanes({ format, bytes }: DecodedFrame): DecodedFrame {
  const width = format.bitsAllocated / 8;
  const size = bytes.length / 3;
  const out = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += 1) {
    const [pixel, sample, byte] = [Math.floor(at / (3 * width)), Math.floor(at / width) % 3, at % width];
    out[sample * size + pixel * width + byte] = bytes[at] ?? 0;
  }
  return { format: { ...format, isPlanar: true }, bytes: out };
}
