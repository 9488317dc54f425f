import { array, assert, asyncProperty, boolean, constantFrom, integer, record, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DicomElement } from '../../infra/demo/dicom.elements.ts';
import { element } from '../../infra/demo/dicom.writer.ts';
import { rendered, testFile, type TestImage } from './rendering.ts';

const WHITE = 255;

/** The data of an overlay (PS3.5 §8.1.2): one bit for each pixel from the lowest bit of each byte, padded to an even length. */
function packed(bits: readonly boolean[]): Buffer {
  const bytes = Buffer.alloc(Math.ceil(bits.length / 16) * 2);
  bits.forEach((bit, at) => {
    if (bit) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7));
  });
  return bytes;
}

interface Plane {
  readonly group?: string;
  readonly rows: number;
  readonly columns: number;
  readonly origin?: readonly [row: number, column: number];
  readonly type?: 'G' | 'R';
  readonly frames?: number | undefined;
  readonly firstFrame?: number | undefined;
  readonly data: Buffer;
  readonly vr?: 'OB' | 'OW';
}

function plane({ group = '6000', rows, columns, origin, type = 'G', frames, firstFrame, data, vr }: Plane) {
  const [row = 1, column = 1] = origin ?? [];
  return [
    element(`${group}0010`, 'US', [rows]),
    element(`${group}0011`, 'US', [columns]),
    ...(frames === undefined ? [] : [element(`${group}0015`, 'IS', String(frames))]),
    element(`${group}0040`, 'CS', type),
    element(`${group}0050`, 'SS', [row, column]),
    ...(firstFrame === undefined ? [] : [element(`${group}0051`, 'US', [firstFrame])]),
    element(`${group}0100`, 'US', [1]),
    element(`${group}0102`, 'US', [0]),
    element(`${group}3000`, vr ?? 'OW', data),
  ];
}

/** The samples of a frame with its overlays. */
async function drawn(image: TestImage, frame = 1): Promise<number[]> {
  return [...(await rendered(testFile(image), frame, undefined, true)).samples];
}

/** A grey image whose pixels are shown as they are stored, and never white. */
const grey = (rows: number, columns: number, extra: readonly DicomElement[], frames = 1): TestImage => ({
  rows,
  columns,
  frames,
  extra: [element('00281050', 'DS', '128'), element('00281051', 'DS', '256'), ...extra],
  bytes: Buffer.from(Array.from({ length: rows * columns * frames }, (_, at) => (at * 7) % 200)),
});

/** An overlay in a bit of the pixel words. */
const embedded = (allocated: number, bit: number) => [
  element('60000010', 'US', [1]),
  element('60000011', 'US', [4]),
  element('60000050', 'SS', [1, 1]),
  element('60000100', 'US', [allocated]),
  element('60000102', 'US', [bit]),
];

describe('the overlays of an image', () => {
  it('are drawn where Overlay Origin says, and cut at the edges of the image', async () => {
    const planes = record({
      rows: integer({ min: 1, max: 9 }),
      columns: integer({ min: 1, max: 9 }),
      origin: tuple(integer({ min: -8, max: 10 }), integer({ min: -8, max: 10 })),
      bits: array(boolean(), { minLength: 81, maxLength: 81 }),
      type: constantFrom('G' as const, 'R' as const),
      vr: constantFrom('OB' as const, 'OW' as const),
      group: constantFrom('6000', '6002', '601E'),
    });
    await assert(
      asyncProperty(planes, async ({ bits, ...one }) => {
        const data = packed(bits.slice(0, one.rows * one.columns));
        const image = grey(5, 7, plane({ ...one, data }));
        const expected = Array.from(image.bytes, (value, at) => {
          const row = Math.floor(at / 7) - (one.origin[0] - 1);
          const column = (at % 7) - (one.origin[1] - 1);
          const isInside = row >= 0 && row < one.rows && column >= 0 && column < one.columns;
          return isInside && bits[row * one.columns + column] === true ? WHITE : value;
        });
        expect(await drawn(image)).toEqual(expected);
        // Without a request, the image is shown alone.
        expect([...(await rendered(testFile(image))).samples]).toEqual([...image.bytes]);
      }),
      { numRuns: 30 },
    );
  });

  it('of all sixteen groups are drawn', async () => {
    const groups = Array.from({ length: 16 }, (_, index) => (0x6000 + index * 2).toString(16));
    const extra = groups.flatMap((group, at) =>
      plane({ group, rows: 1, columns: 1, origin: [1, at + 1], data: packed([true]) }),
    );
    expect(await drawn(grey(1, 17, extra))).toEqual([...Array<number>(16).fill(WHITE), (16 * 7) % 200]);
  });

  it.each([
    { name: 'one plane for all frames', frames: undefined, firstFrame: undefined, shown: [0, 0, 0, 0] },
    { name: 'a plane for each frame', frames: 4, firstFrame: undefined, shown: [0, 1, 2, 3] },
    { name: 'planes from the second frame', frames: 2, firstFrame: 2, shown: [-1, 0, 1, -1] },
    { name: 'one plane for the third frame', frames: undefined, firstFrame: 3, shown: [-1, -1, 0, -1] },
    { name: 'more frames than the image has', frames: 9, firstFrame: 4, shown: [-1, -1, -1, 0] },
  ])('with several frames: $name', async ({ frames, firstFrame, shown }) => {
    // The plane with index k shows its pixel k. A frame of an overlay begins inside a byte.
    const bits = Array.from({ length: (frames ?? 1) * 9 }, (_, at) => at % 9 === Math.floor(at / 9));
    const image = grey(3, 3, plane({ rows: 3, columns: 3, frames, firstFrame, data: packed(bits) }), 4);
    for (const [index, at] of shown.entries()) {
      const stored = [...image.bytes.subarray(index * 9, index * 9 + 9)];
      expect(await drawn(image, index + 1)).toEqual(
        stored.map((value, pixel) => (pixel === at ? WHITE : value)),
      );
    }
  });

  it.each([
    { allocated: 8, stored: 6, high: 5, bit: 7 },
    { allocated: 8, stored: 6, high: 7, bit: 0 },
    { allocated: 16, stored: 12, high: 11, bit: 15 },
    { allocated: 16, stored: 12, high: 11, bit: 12 },
    { allocated: 16, stored: 8, high: 11, bit: 3 },
    { allocated: 32, stored: 31, high: 30, bit: 31 },
  ])('in bit $bit of $allocated bits', async ({ allocated, stored, high, bit }) => {
    const bytes = Buffer.alloc(allocated / 2);
    const words = [0, 1, 2, 3].map((value, at) => value * 2 ** (high - stored + 1) + (at % 2) * 2 ** bit);
    words.forEach((word, at) => bytes.writeUIntLE(word, (at * allocated) / 8, allocated / 8));
    const image = { allocated, stored, high, bytes, columns: 4 };
    const plain = [...(await rendered(testFile(image))).samples];
    const shown = await drawn({ ...image, extra: embedded(allocated, bit) });
    expect(shown).toEqual(plain.map((value, at) => (at % 2 === 1 ? WHITE : value)));
  });

  it.each([
    ['a bit of the pixel value', embedded(16, 5)],
    ['a bit that is not allocated', embedded(16, 16)],
    ['another number of allocated bits', embedded(8, 15)],
    ['data that is too short', plane({ rows: 9, columns: 9, data: packed([true]) })],
    ['65,535 rows and columns', plane({ rows: 65_535, columns: 65_535, data: packed([true]) })],
    ['no rows', plane({ rows: 0, columns: 4, data: packed([true]) })],
    ['too few frames', plane({ rows: 1, columns: 9, frames: 65_535, firstFrame: 0, data: packed([true]) })],
    ['a place far outside', plane({ rows: 1, columns: 1, origin: [-32_768, 32_767], data: packed([true]) })],
  ])('are left out: %s', async (_, extra) => {
    const image = { allocated: 16, stored: 12, bytes: Buffer.from('1023ff0f00f04071', 'hex') };
    const plain = [...(await rendered(testFile(image))).samples];
    expect(await drawn({ ...image, extra })).toEqual(plain);
  });

  it('are drawn into colours', async () => {
    const data = packed([false, true]);
    const image = { photometric: 'RGB', samples: 3, bytes: Buffer.of(1, 2, 3, 4, 5, 6) };
    expect(await drawn({ ...image, extra: plane({ rows: 1, columns: 2, data }) })).toEqual([
      1,
      2,
      3,
      WHITE,
      WHITE,
      WHITE,
    ]);
  });
});
