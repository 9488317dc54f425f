import { assert, asyncProperty, boolean, constantFrom, integer, record, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DicomElement, freshUid } from '../../infra/demo/dicom.elements.ts';
import { element } from '../../infra/demo/dicom.writer.ts';
import { longForm } from '../support/long.form.ts';
import {
  area,
  imageReference,
  presented,
  shown,
  softcopyWindow,
  StateClass,
  stateFile,
} from './presented.pictures.ts';
import { type TestImage, testFile } from './rendering.ts';

const sequence = (tag: string, ...all: DicomElement[][]) => element(tag, 'SQ', { items: all });
const voi = (...all: DicomElement[][]) => sequence('00283110', ...all);
const lut = (first: number, bits: number, entries: readonly number[]) => [
  element('00283002', 'US', [entries.length, first, bits]),
  element('00283006', 'OW', entries),
];
/** A table of a palette: 1 is red, 2 is green, 3 is blue. */
const paletteTable = (at: number, entries: readonly number[]) => [
  element(`0028110${at}`, 'US', [entries.length, 0, 16]),
  element(`0028120${at}`, 'OW', entries),
];

/** An image of 16 values, whose own window and table must not be used. */
const grey: TestImage = {
  columns: 16,
  photometric: 'MONOCHROME1',
  bytes: Buffer.from(Array.from({ length: 16 }, (_, at) => at * 17)),
  extra: [
    element('00281050', 'DS', '3'),
    element('00281051', 'DS', '2'),
    element('00281052', 'DS', '1000'),
    element('00281053', 'DS', '7'),
  ],
};
const stored = [...grey.bytes];
const samples = async (...of: Parameters<typeof presented>) => [...(await presented(...of)).samples];
/** The LINEAR function (PS3.3 C.11.2.1.2). */
const linear = (x: number, center: number, width: number) => {
  const value = ((x - (center - 0.5)) / (width - 1) + 0.5) * 255;
  return Math.round(Math.min(255, Math.max(0, value)));
};

describe('the grayscale transformations of a presentation state', () => {
  it.each([
    ['nothing: the whole range of stored values', [], stored],
    ['INVERSE', [element('20500020', 'CS', 'INVERSE')], stored.map((one) => 255 - one)],
    ['a window', [voi(softcopyWindow(100, 51))], stored.map((one) => linear(one, 100, 51))],
    [
      'a slope and a window',
      [element('00281052', 'DS', '-10'), element('00281053', 'DS', '2'), voi(softcopyWindow(100, 51))],
      stored.map((one) => linear(one * 2 - 10, 100, 51)),
    ],
    [
      'a modality table',
      [
        sequence('00283000', [
          ...lut(0, 8, stored.flatMap((one) => Array.from({ length: 17 }, () => 255 - one)).slice(0, 256)),
          element('00283004', 'LO', 'US'),
        ]),
      ],
      stored.map((one) => 255 - Math.floor(one / 17) * 17),
    ],
    [
      'a VOI table',
      [
        voi([
          sequence(
            '00283010',
            lut(
              0,
              8,
              Array.from({ length: 256 }, (_, at) => 255 - at),
            ),
          ),
        ]),
      ],
      stored.map((one) => 255 - one),
    ],
    [
      'a presentation table',
      [
        sequence(
          '20500010',
          lut(
            0,
            8,
            Array.from({ length: 256 }, (_, at) => (at < 128 ? 0 : 255)),
          ),
        ),
      ],
      stored.map((one) => (one < 128 ? 0 : 255)),
    ],
  ])('%s', async (_, extra, expected) => {
    expect(await samples(grey, extra)).toEqual(expected);
  });

  it('are those of the image and frame that an item refers to', async () => {
    const sopUid = freshUid();
    const bytes = Buffer.from([10, 20, 10, 20]);
    const file = testFile({ columns: 2, frames: 2, bytes }, { studyUid: freshUid(), sopUid });
    const state = stateFile({ image: sopUid }, [
      voi(
        softcopyWindow(1000, 2, imageReference(freshUid())),
        softcopyWindow(100, 200, imageReference(sopUid, '2')),
        softcopyWindow(10, 21, imageReference(sopUid, '1')),
      ),
    ]);
    const frame = async (number: number) => [
      ...(await shown(file, state, { sopUid, frame: number })).samples,
    ];
    expect(await frame(1)).toEqual([10, 20].map((one) => linear(one, 10, 21)));
    expect(await frame(2)).toEqual([10, 20].map((one) => linear(one, 100, 200)));
  });

  it('show signed values from the smallest to the largest', async () => {
    const signed = { bytes: Buffer.of(128, 192, 0, 127), columns: 4, signed: true };
    expect(await samples(signed, [])).toEqual([0, 64, 128, 255]);
  });

  it('give grey the colours of a pseudo-colour state, and leave colours as they are', async () => {
    const palette = [
      ...paletteTable(1, [0, 65_535]),
      ...paletteTable(2, [65_535, 0]),
      ...paletteTable(3, [256, 512]),
    ];
    const options = { sopClassUid: StateClass.pseudo };
    const image = { columns: 2, bytes: Buffer.of(0, 255) };
    expect(await samples(image, palette, options)).toEqual([0, 255, 1, 255, 0, 2]);
    const rgb = { photometric: 'RGB', samples: 3, bytes: Buffer.of(1, 2, 3, 4, 5, 6) };
    expect(await samples(rgb, [], { sopClassUid: StateClass.colour })).toEqual([...rgb.bytes]);
  });

  it('are refused when the state subtracts a mask or a table is too short', async () => {
    const mask = sequence('00286100', [element('00286101', 'CS', 'AVG_SUB')]);
    await expect(presented(grey, [mask])).rejects.toThrow('subtracts a mask');
    const short = voi([
      sequence('00283010', [element('00283002', 'US', [256, 0, 8]), element('00283006', 'OW', [1])]),
    ]);
    await expect(presented(grey, [short])).rejects.toThrow('shorter');
  });
});

/** An image whose pixels are all different. */
const numbered = (rows: number, columns: number): TestImage => ({
  rows,
  columns,
  bytes: Buffer.from(Array.from({ length: rows * columns }, (_, at) => at + 1)),
});

/** Turns a matrix clockwise once. */
const turned = (rows: readonly (readonly number[])[]) =>
  (rows[0] ?? []).map((_, column) => rows.map((row) => row[column] ?? 0).reverse());

describe('the geometry of a presentation state', () => {
  it('shows a part of the image, black outside of it, then turns it, then flips it', async () => {
    const corner = integer({ min: -3, max: 10 });
    const given = record({
      rows: integer({ min: 1, max: 7 }),
      columns: integer({ min: 1, max: 7 }),
      degrees: constantFrom(0, 90, 180, 270),
      flip: boolean(),
      corners: tuple(corner, corner, corner, corner),
    });
    await assert(
      asyncProperty(given, async ({ rows, columns, degrees, flip, corners: [a, b, c, d] }) => {
        const [left, right] = [Math.min(a, c), Math.max(a, c)];
        const [top, bottom] = [Math.min(b, d), Math.max(b, d)];
        const picture = presented(numbered(rows, columns), [
          element('00700042', 'US', [degrees]),
          element('00700041', 'CS', flip ? 'Y' : 'N'),
          area([a, b], [c, d]),
        ]);
        if (left > columns || right < 1 || top > rows || bottom < 1) {
          await expect(picture).rejects.toThrow('outside');
          return;
        }
        let expected = Array.from({ length: bottom - top + 1 }, (_, y) =>
          Array.from({ length: right - left + 1 }, (__, x) => {
            const [row, column] = [top + y, left + x];
            return row >= 1 && row <= rows && column >= 1 && column <= columns
              ? (row - 1) * columns + column
              : 0;
          }),
        );
        for (let angle = 0; angle < degrees; angle += 90) expected = turned(expected);
        if (flip) expected = expected.map((row) => row.toReversed());
        const { width, height, samples: shownSamples } = await picture;
        expect([width, height]).toEqual([expected[0]?.length, expected.length]);
        expect([...shownSamples]).toEqual(expected.flat());
      }),
      { numRuns: longForm(1000, 60) },
    );
  });

  it.each([
    ['the viewport', [], { width: 60, height: 60 }, [60, 30]],
    [
      'a turned picture in the viewport',
      [element('00700042', 'US', [90])],
      { width: 60, height: 60 },
      [30, 60],
    ],
    ['pixels twice as high', [area([1, 1], [8, 4], [element('00700102', 'IS', '2\\1')])], undefined, [8, 8]],
    ['pixels twice as wide', [area([1, 1], [8, 4], [element('00700101', 'DS', '1\\2')])], undefined, [16, 4]],
    [
      'a magnification',
      [area([1, 1], [8, 4], [element('00700103', 'FL', [3])], 'MAGNIFY')],
      undefined,
      [24, 12],
    ],
    ['a huge area', [area([-2_000_000_000, 1], [2_000_000_000, 4])], undefined, [4096, 1]],
  ])('has the size of %s', async (_, extra, viewport, size) => {
    const { width, height } = await presented(
      numbered(4, 8),
      extra,
      viewport === undefined ? {} : { viewport },
    );
    expect([width, height]).toEqual(size);
  });

  it.each([
    ['a rotation of 45', element('00700042', 'US', [45]), 'rotation'],
    ['an area with one corner', sequence('0070005A', [element('00700052', 'SL', [1, 1])]), 'displayed area'],
  ])('is refused: %s', async (_, extra, message) => {
    await expect(presented(numbered(4, 8), [extra])).rejects.toThrow(message);
  });
});
