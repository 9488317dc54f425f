import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeFrame } from '../../src/pixels/frame.decoder.js';
import type { PixelFormat } from '../../src/pixels/pixel.format.js';
import { PixelsRefused } from '../../src/pixels/pixels.refused.js';

/** Packs bytes as PS3.5 §G.3.1 describes, with runs of a random kind and with operations without effect. */
function packed(plane: readonly number[], lengths: readonly number[]): number[] {
  const out: number[] = [];
  for (let at = 0, turn = 0; at < plane.length; turn += 1) {
    const most = lengths[turn % lengths.length] ?? 1;
    let same = 1;
    while (same < most && at + same < plane.length && plane[at + same] === plane[at]) same += 1;
    const count = same > 1 ? same : Math.min(most, plane.length - at);
    if (most % 7 === 0) out.push(128);
    if (same > 1) out.push(257 - same, plane[at] ?? 0);
    else out.push(count - 1, ...plane.slice(at, at + count));
    at += count;
  }
  return out;
}

/** An RLE frame (PS3.5 §G.5) of these segments. */
function rleFrame(segments: readonly (readonly number[])[]): Uint8Array {
  const header = Buffer.alloc(64);
  header.writeUInt32LE(segments.length, 0);
  let at = 64;
  segments.forEach((segment, index) => {
    if (index < 15) header.writeUInt32LE(at, 4 + index * 4);
    at += segment.length;
  });
  return Buffer.concat([header, ...segments.map((segment) => Buffer.from(segment))]);
}

function formatOf(allocated: 8 | 16 | 32, isColour: boolean, pixels: number): PixelFormat {
  const bits = { bitsAllocated: allocated, bitsStored: allocated, highBit: allocated - 1, isSigned: false };
  const photometric = isColour ? 'RGB' : 'MONOCHROME2';
  return { rows: 1, columns: pixels, photometric, isPlanar: isColour, numbers: 'integer', ...bits };
}

/** The planes of a frame: of each sample, the most significant byte first (PS3.5 §G.2). */
function planesOf(bytes: Uint8Array, samples: number, width: number): number[][] {
  return Array.from({ length: samples * width }, (_, segment) => {
    const at = Math.floor(segment / width) * width + (width - 1 - (segment % width));
    return [...bytes].filter((__, index) => index % (samples * width) === at);
  });
}

const kinds = fc.record({
  allocated: fc.constantFrom(8, 16, 32),
  isColour: fc.boolean(),
  lengths: fc.array(fc.integer({ min: 1, max: 128 }), { minLength: 1, maxLength: 9 }),
  pixels: fc.integer({ min: 1, max: 300 }),
  seed: fc.infiniteStream(fc.integer({ min: 0, max: 3 })),
});

it('RLE frames of all kinds are decoded, however their runs are written', async () => {
  await fc.assert(
    fc.asyncProperty(kinds, async ({ allocated, isColour, lengths, pixels, seed }) => {
      const samples = isColour ? 3 : 1;
      const width = allocated / 8;
      const values = Array.from({ length: pixels * samples * width }, () => seed.next().value ?? 0);
      const bytes = Uint8Array.from(values);
      const frame = rleFrame(planesOf(bytes, samples, width).map((plane) => packed(plane, lengths)));
      const decoded = await decodeFrame('rle', formatOf(allocated, isColour, pixels), frame);
      expect(Buffer.from(decoded.bytes).equals(Buffer.from(bytes))).toBe(true);
      expect(decoded.format.isPlanar).toBe(false);
    }),
    { numRuns: 200 },
  );
});

it('every truncated or altered RLE frame is refused, or decoded to its full length', async () => {
  const format = formatOf(16, false, 50);
  const plane = Array.from({ length: 50 }, (_, at) => (at < 30 ? 7 : at));
  const whole = rleFrame([packed(plane, [9]), packed(plane, [20])]);
  for (let length = 0; length < whole.length; length += 1)
    await expect(decodeFrame('rle', format, whole.subarray(0, length)), String(length)).rejects.toThrow(
      PixelsRefused,
    );
  for (let bit = 0; bit < whole.length * 8; bit += 1) {
    const altered = Uint8Array.from(whole);
    altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    try {
      expect((await decodeFrame('rle', format, altered)).bytes).toHaveLength(100);
    } catch (error) {
      expect(error).toBeInstanceOf(PixelsRefused);
    }
  }
});

it.each<[name: string, format: PixelFormat, frame: Uint8Array]>([
  ['empty', formatOf(8, false, 4), new Uint8Array(0)],
  ['of zeros', formatOf(8, false, 4), new Uint8Array(100)],
  ['without segments', formatOf(8, false, 4), rleFrame([])],
  ['with fewer segments than bytes', formatOf(16, false, 4), rleFrame([[253, 1]])],
  [
    'with more segments than bytes',
    formatOf(8, false, 4),
    rleFrame([
      [253, 1],
      [253, 1],
    ]),
  ],
  ['shorter than the frame', formatOf(8, false, 5), rleFrame([[253, 1]])],
  ['that does nothing', formatOf(8, false, 5), rleFrame([Array.from({ length: 50 }, () => 128)])],
  [
    'called YBR_FULL_422',
    { ...formatOf(8, true, 4), photometric: 'YBR_FULL_422' },
    rleFrame([
      [253, 1],
      [253, 1],
      [253, 1],
    ]),
  ],
  ['of one bit', { ...formatOf(8, false, 8), bitsAllocated: 1 }, rleFrame([[255]])],
])('an RLE frame %s is refused', async (_, format, frame) => {
  await expect(decodeFrame('rle', format, frame)).rejects.toThrow(PixelsRefused);
});

const planeOf = (pixels: number) => Array.from({ length: pixels }, (_, at) => at % 5);
it.each<[string, readonly number[], boolean]>([
  ['ends with its plane', packed(planeOf(20), [7]), true],
  ['is padded with zeros or operations without effect', [...packed(planeOf(20), [7]), 0, 128], true],
  ['holds more runs than its plane', packed(planeOf(40), [5]), false],
  ['has a literal run across the end of its plane', packed(planeOf(24), [16]), false],
  ['has a replicated run across the end of its plane', [...packed(planeOf(18), [7]), 257 - 3, 9], false],
])('an RLE segment that %s is decoded only if it fills the frame exactly', async (_, segment, isRight) => {
  const decoding = decodeFrame('rle', formatOf(8, false, 20), rleFrame([segment]));
  if (isRight) expect([...(await decoding).bytes]).toEqual(planeOf(20));
  else await expect(decoding).rejects.toThrow('longer than its plane');
});
