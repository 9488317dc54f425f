import { describe, expect, it } from 'vitest';
import { decodeFrame } from '../../src/pixels/frame.decoder.js';
import type { PixelFormat } from '../../src/pixels/pixel.format.js';
import { PixelsRefused } from '../../src/pixels/pixels.refused.js';
import { boundedMemory } from '../../src/pixels/codecs/wasm.codec.js';
import { encodedJpegLs as encoded } from './jpeg.ls.encoder.ts';
import { greyRoundTrip } from './grey.round.trip.ts';
import { bytesOf, columns, painted, pixelFormat, rows } from './made.frames.ts';

describe('JPEG-LS', () => {
  greyRoundTrip('jpeg-ls', encoded);

  it.each([
    [16, 12],
    [16, 16],
    [8, 8],
    [8, 6],
  ])('signed grey of %i bits with %i stored gets its sign', async (allocated, stored) => {
    const values = painted(rows * columns, stored).map((value) => value - 2 ** (stored - 1));
    const unsigned = values.map((value) => value & (2 ** stored - 1));
    const stream = await encoded(bytesOf(unsigned, stored > 8 ? 2 : 1), stored);
    const format = pixelFormat(allocated, stored, { isSigned: true });
    const { bytes } = await decodeFrame('jpeg-ls', format, stream);
    expect(bytes).toEqual(bytesOf(values, allocated > 8 ? 2 : 1));
  });

  it.each([1, 2])('colours in interleave mode %i come pixel by pixel', async (mode) => {
    const values = painted(rows * columns * 3, 8);
    const stream = await encoded(bytesOf(values, 1), 8, { components: 3, mode });
    const format = pixelFormat(8, 8, { photometric: 'RGB', isPlanar: true });
    const decoded = await decodeFrame('jpeg-ls', format, stream);
    expect(decoded.bytes).toEqual(bytesOf(values, 1));
    expect(decoded.format.isPlanar).toBe(false);
  });

  it('colours in planes come pixel by pixel', async () => {
    const values = painted(rows * columns * 3, 8);
    const planes = [0, 1, 2].flatMap((plane) => values.filter((_, at) => at % 3 === plane));
    const stream = await encoded(bytesOf(planes, 1), 8, { components: 3, mode: 0 });
    const { bytes } = await decodeFrame('jpeg-ls', pixelFormat(8, 8, { photometric: 'RGB' }), stream);
    expect(bytes).toEqual(bytesOf(values, 1));
  });

  it('near-lossless differs by at most the stated error', async () => {
    const values = painted(rows * columns, 8);
    const stream = await encoded(bytesOf(values, 1), 8, { near: 3 });
    const { bytes } = await decodeFrame('jpeg-ls', pixelFormat(8, 8), stream);
    expect(Math.max(...values.map((value, at) => Math.abs(value - (bytes[at] ?? 0))))).toBeLessThanOrEqual(3);
  });

  it('that contradicts the header is refused', async () => {
    const stream = await encoded(bytesOf(painted(rows * columns, 12), 2), 12);
    const colour = await encoded(bytesOf(painted(rows * columns * 3, 8), 1), 8, { components: 3, mode: 2 });
    const contradictions: [format: PixelFormat, stream: Uint8Array][] = [
      [pixelFormat(16, 12, { rows: 22 }), stream],
      [pixelFormat(16, 12, { columns: 32 }), stream],
      [pixelFormat(8, 8), stream],
      [pixelFormat(16, 13), stream],
      [pixelFormat(32, 12), stream],
      [pixelFormat(8, 8, { photometric: 'RGB' }), stream],
      [pixelFormat(8, 8), colour],
      [pixelFormat(8, 8, { photometric: 'YBR_FULL_422', columns: 34 }), colour],
      [pixelFormat(16, 12), new Uint8Array(0)],
      [pixelFormat(16, 12), new Uint8Array(500)],
      [pixelFormat(16, 12), new Uint8Array(500).fill(255)],
    ];
    for (const [format, bytes] of contradictions)
      await expect(decodeFrame('jpeg-ls', format, bytes)).rejects.toBeInstanceOf(PixelsRefused);
  });

  it('that is truncated or altered is refused, or decoded to its full length', async () => {
    const format = pixelFormat(8, 8);
    const stream = await encoded(bytesOf(painted(rows * columns, 8), 1), 8);
    const altered = Array.from({ length: 120 }, (_, index) => {
      const copy = Uint8Array.from(stream);
      const bit = index < 60 ? index * 5 : (index * 7919) % (stream.length * 8);
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return copy;
    });
    const cut = Array.from({ length: 40 }, (_, index) => stream.subarray(0, (index * stream.length) / 40));
    for (const one of [...altered, ...cut]) {
      const outcome = await decodeFrame('jpeg-ls', format, one).catch((error: unknown) => error);
      if (outcome instanceof PixelsRefused) continue;
      expect(outcome).toMatchObject({ bytes: { length: rows * columns } });
    }
  });
});

it('the memory of a codec is bounded, and a program without such a memory is not used', () => {
  expect(() => boundedMemory(Buffer.from('0061736d01000000', 'hex'))).toThrow('cannot be bounded');
  const program = Buffer.from('0061736d0100000005070101a006808002', 'hex');
  expect(Buffer.from(boundedMemory(program)).toString('hex')).toBe('0061736d0100000005070101a00680c000');
});
