import { describe, expect, it } from 'vitest';
import type { DicomElement } from '../../infra/demo/dicom.elements.ts';
import { element } from '../../infra/demo/dicom.writer.ts';
import { samplesOfImage } from './rendering.ts';

/** PS3.3 §C.7.6.3.1.2, solved for red, green and blue. */
function rgbOf(y: number, cb: number, cr: number): number[] {
  const exact = [
    y + 1.402 * (cr - 128),
    y - (0.299 * 1.402 * (cr - 128) + 0.114 * 1.772 * (cb - 128)) / 0.587,
    y + 1.772 * (cb - 128),
  ];
  return exact.map((value) => Math.min(255, Math.max(0, value)));
}

function near(shown: readonly number[], expected: readonly number[]): void {
  expect(shown).toHaveLength(expected.length);
  shown.forEach((value, at) => expect(Math.abs(value - (expected[at] ?? 0))).toBeLessThanOrEqual(1));
}

const descriptors = (count: number, first: number, bits: number, vr = 'US') =>
  [1, 2, 3].map((one) => element(`0028110${one}`, vr, [count & 0xffff, first, bits]));
const data = (tables: readonly (readonly number[])[]): DicomElement[] =>
  tables.map((entries, at) => element(`0028120${at + 1}`, 'OW', entries));

describe('a colour frame', () => {
  it('is shown as it is stored, pixel by pixel and plane by plane', async () => {
    const colour = { photometric: 'RGB', samples: 3 };
    const pixels = [1, 2, 3, 40, 50, 60, 200, 201, 202, 255, 0, 9];
    expect(await samplesOfImage({ ...colour, planar: 0, bytes: Buffer.from(pixels) })).toEqual(pixels);
    expect(await samplesOfImage({ ...colour, bytes: Buffer.from(pixels) })).toEqual(pixels);
    const planes = [0, 1, 2].flatMap((plane) => pixels.filter((_, at) => at % 3 === plane));
    expect(await samplesOfImage({ ...colour, planar: 1, bytes: Buffer.from(planes) })).toEqual(pixels);
  });

  it('of 16 bits, and of fewer than 8 bits, is scaled to 8 bits', async () => {
    const colour = { photometric: 'RGB', samples: 3, columns: 1 };
    const wide = Buffer.alloc(6);
    [0, 2048, 4095].forEach((value, at) => wide.writeUInt16LE(value, at * 2));
    expect(await samplesOfImage({ ...colour, allocated: 16, stored: 12, bytes: wide })).toEqual([
      0, 128, 255,
    ]);
    expect(await samplesOfImage({ ...colour, stored: 5, bytes: Buffer.of(0, 16, 31) })).toEqual([
      0, 132, 255,
    ]);
  });

  it.each([0, 1])('of YBR_FULL with Planar Configuration %i becomes RGB', async (planar) => {
    const pixels = Array.from({ length: 64 }, (_, at) => [
      (at * 37) & 255,
      (at * 91 + 13) & 255,
      (at * 53 + 200) & 255,
    ]);
    const bytes =
      planar === 0 ? pixels.flat() : [0, 1, 2].flatMap((plane) => pixels.map((one) => one[plane] ?? 0));
    const shown = await samplesOfImage({
      photometric: 'YBR_FULL',
      samples: 3,
      planar,
      bytes: Buffer.from(bytes),
    });
    near(
      shown,
      pixels.flatMap(([y = 0, cb = 0, cr = 0]) => rgbOf(y, cb, cr)),
    );
  });

  it('of YBR_FULL_422 shares the chrominance of two pixels', async () => {
    const bytes = Buffer.of(10, 200, 90, 160, 255, 0, 128, 128);
    const image = { photometric: 'YBR_FULL_422', samples: 3, planar: 0, columns: 4, bytes };
    near(
      await samplesOfImage(image),
      [rgbOf(10, 90, 160), rgbOf(200, 90, 160), rgbOf(255, 128, 128), rgbOf(0, 128, 128)].flat(),
    );
  });
});

describe('a palette', () => {
  const image = { photometric: 'PALETTE COLOR', bytes: Buffer.of(0, 4, 5, 6, 7, 255) };

  it('maps from its first value on, and its ends continue', async () => {
    const words = [
      [0x1100, 0x2200, 0x33ff],
      [0x4400, 0x5500, 0x6600],
      [0x7700, 0x8800, 0xffff],
    ];
    const extra = [...descriptors(3, 5, 16), ...data(words)];
    const [one, two, three] = [
      [0x11, 0x44, 0x77],
      [0x22, 0x55, 0x88],
      [0x33, 0x66, 0xff],
    ];
    expect(await samplesOfImage({ ...image, extra })).toEqual([one, one, one, two, three, three].flat());
  });

  it('of 8 bits has two entries in each word, or one', async () => {
    const packed = [1, 2, 3].map((one) =>
      element(`0028120${one}`, 'OW', Buffer.of(one, one * 10, one * 20, 0)),
    );
    const shown = [
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
      [10, 20, 30],
      [20, 40, 60],
      [20, 40, 60],
    ].flat();
    expect(await samplesOfImage({ ...image, extra: [...descriptors(3, 5, 8), ...packed] })).toEqual(shown);
    const single = data([1, 2, 3].map((one) => [one, one * 10, one * 20]));
    expect(await samplesOfImage({ ...image, extra: [...descriptors(3, 5, 8), ...single] })).toEqual(shown);
  });

  it('of signed indexes can begin below 0', async () => {
    const extra = [
      ...descriptors(2, -1, 16, 'SS'),
      ...data([
        [0, 0xff00],
        [0, 0],
        [0xff00, 0],
      ]),
    ];
    const signed = { ...image, signed: true, bytes: Buffer.of(0x80, 0xff, 0, 127), extra };
    expect(await samplesOfImage(signed)).toEqual(
      [
        [0, 0, 255],
        [0, 0, 255],
        [255, 0, 0],
        [255, 0, 0],
      ].flat(),
    );
  });

  it('of 65536 entries has the count 0', async () => {
    const entries = Array.from({ length: 65_536 }, (_, at) => at);
    const bytes = Buffer.alloc(4);
    bytes.writeUInt16LE(0xabcd, 0);
    const extra = [...descriptors(65_536, 0, 16), ...data([entries, entries, entries])];
    expect(await samplesOfImage({ ...image, allocated: 16, bytes, extra })).toEqual([
      0xab, 0xab, 0xab, 0, 0, 0,
    ]);
  });

  it('in segments is discrete, linear or repeated', async () => {
    // Two entries; four on the way to 600; then the second segment again.
    const segments = [0, 2, 100, 200, 1, 4, 600, 2, 1, 8, 0];
    const table = [100, 200, 300, 400, 500, 600, 600, 600, 600, 600];
    const extra = [
      ...descriptors(table.length, 0, 16),
      ...[1, 2, 3].map((one) => element(`0028122${one}`, 'OW', segments)),
    ];
    const shown = await samplesOfImage({ ...image, bytes: Buffer.from(table.map((_, at) => at)), extra });
    expect(shown).toEqual(table.flatMap((entry) => [entry >> 8, entry >> 8, entry >> 8]));
  });
});
