import { assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../src/pixels/encoders/frame.encoder.js';
import { decodeFrame } from '../../src/pixels/frame.decoder.js';
import { renderFrame } from '../../src/pixels/frame.renderer.js';
import { PixelsRefused } from '../../src/pixels/pixels.refused.js';
import { mayBeHalved, type Presentation } from '../../src/pixels/presentation.js';
import { halvingsOf, ofWhole, pictureGeometry } from '../../src/pixels/viewport.js';
import { bytesOf, pixelFormat } from './made.frames.ts';

const [width, height] = [203, 131];
const window = { center: 2000, width: 4000, shape: 'LINEAR' } as const;
const shown: Presentation = {
  modality: { slope: 1, intercept: 0 },
  voi: { window },
  isInverse: false,
  padding: undefined,
  palette: undefined,
};

/** A smooth image, so that a pixel of a smaller size is close to the pixels that it covers. */
const smooth = (sample: number, most: number) => {
  const [x, y] = [sample % width, Math.floor(sample / width)];
  return Math.round((most * (x + 2 * y)) / (width + 2 * height));
};

const kinds = [
  { name: '8 bits', bits: [8, 8], isSigned: false },
  { name: '12 of 16 bits', bits: [16, 12], isSigned: false },
  { name: 'signed 12 of 16 bits', bits: [16, 12], isSigned: true },
] as const;

/** A compressed smooth image of one kind, and its values. */
async function made(
  codec: 'jpeg-2000' | 'htj2k',
  { bits: [allocated, stored], isSigned }: (typeof kinds)[number],
) {
  const format = pixelFormat(allocated, stored, { rows: height, columns: width, isSigned });
  const least = isSigned ? -(2 ** (stored - 1)) : 0;
  const values = Array.from({ length: width * height }, (_, at) => smooth(at, 2 ** stored - 1) + least);
  const bytes = new Uint8Array(bytesOf(values, allocated > 8 ? 2 : 1));
  const { bytes: stream } = await encodeFrame(codec, { format, bytes });
  return { format, values, stream, range: 2 ** stored };
}

describe.each(['jpeg-2000', 'htj2k'] as const)('%s in a smaller size', (codec) => {
  it.each(kinds)('is the image, sampled: $name', async (kind) => {
    const { format, values, stream, range } = await made(codec, kind);
    for (const halvings of [0, 1, 2, 3, 20]) {
      const decoded = await decodeFrame(codec, format, stream, halvings);
      const { rows, columns } = decoded.format;
      const level = Math.round(Math.log2(width / columns));
      // A stream with fewer decompositions is halved less often.
      expect(halvings === 20 ? level > 3 && level < 8 : level === halvings).toBe(true);
      expect([columns, rows]).toEqual([Math.ceil(width / 2 ** level), Math.ceil(height / 2 ** level)]);
      const words = kind.bits[0] > 8 ? new Int16Array(decoded.bytes.buffer) : decoded.bytes;
      const apart = Array.from(words, (value, at) => {
        const [x, y] = [(at % columns) * 2 ** level, Math.floor(at / columns) * 2 ** level];
        return Math.abs(value - (values[y * width + x] ?? 0));
      });
      expect(Math.max(...apart) / range).toBeLessThan(halvings === 0 ? 1e-9 : 0.05);
    }
  });

  it('is refused when it is broken', async () => {
    const { format, stream } = await made(codec, kinds[1]);
    const cut = stream.subarray(0, Math.floor(stream.length / 2));
    await expect(decodeFrame(codec, format, cut, 2)).rejects.toBeInstanceOf(PixelsRefused);
    await expect(decodeFrame(codec, { ...format, rows: 66 }, stream, 1)).rejects.toBeInstanceOf(
      PixelsRefused,
    );
  });

  it('is rendered in this size', async () => {
    const { format, stream } = await made(codec, kinds[1]);
    const bytes = new Uint8Array(stream);
    const frame = await renderFrame({ format, codec, bytes, firstBit: 0, halvings: 1 }, shown);
    expect([frame.width, frame.height, frame.samples.length]).toEqual([102, 66, 102 * 66]);
  });
});

describe('a picture of an image in a smaller size', () => {
  const side = integer({ min: 1, max: 5000 });

  it('has the size of the picture of the whole image, and is never enlarged', () => {
    assert(
      property(side, side, side, side, (columns, rows, across, down) => {
        const image = { width: columns, height: rows };
        const geometry = pictureGeometry(image, 1, { width: across, height: down });
        if (geometry === undefined) throw new Error('no geometry');
        const times = halvingsOf(image, geometry);
        const halved = { width: Math.ceil(columns / 2 ** times), height: Math.ceil(rows / 2 ** times) };
        if (times > 0)
          expect([halved.width >= geometry.size.width, halved.height >= geometry.size.height]).toEqual([
            true,
            true,
          ]);
        expect(ofWhole(geometry, halved)).toMatchObject({ size: geometry.size, region: halved });
      }),
    );
  });

  it('is not made for a region', () => {
    const source = { left: 10, top: 0, width: 100, height: 100 };
    const image = { width: 1000, height: 1000 };
    const geometry = pictureGeometry(image, 1, { width: 10, height: 10, source });
    expect(geometry === undefined ? undefined : halvingsOf(image, geometry)).toBe(0);
  });

  it.each([
    ['a window', shown, false, true],
    ['the range of the frame', { ...shown, voi: {} }, false, false],
    ['colours', { ...shown, voi: {} }, true, true],
    ['padding', { ...shown, padding: [0, 0] as const }, false, false],
    [
      'overlays',
      { ...shown, overlays: [{ rows: 1, columns: 1, top: 0, left: 0, firstBit: 0 }] },
      false,
      false,
    ],
  ] as const)('is made only if its contrast is the same: %s', (_, presentation, isColour, expected) => {
    expect(mayBeHalved(presentation, isColour)).toBe(expected);
  });
});
