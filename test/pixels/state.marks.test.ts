import { array, assert, asyncProperty, constantFrom, double, oneof, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DicomElement, freshUid } from '../../infra/demo/dicom.elements.ts';
import { element } from '../../infra/demo/dicom.writer.ts';
import { longForm } from '../support/long.form.ts';
import { graphic, graphics, imageReference, presented } from './presented.pictures.ts';
import type { TestImage } from './rendering.ts';

const sequence = (tag: string, ...all: DicomElement[][]) => element(tag, 'SQ', { items: all });

const flat = (rows: number, columns: number): TestImage => ({
  rows,
  columns,
  bytes: Buffer.alloc(rows * columns, 100),
});
/** The picture as text: `.` for the image, `#` for white, `o` for black. */
const drawing = async (image: TestImage, extra: readonly DicomElement[]) => {
  const { width, samples: all, channels } = await presented(image, extra);
  const signs = Array.from(
    { length: all.length / channels },
    (_, at) => ({ 100: '.', 255: '#', 0: 'o' })[all[at * channels] ?? 1] ?? '?',
  );
  return Array.from({ length: signs.length / width }, (_, row) =>
    signs.slice(row * width, (row + 1) * width).join(''),
  );
};

describe('the shutters of a presentation state', () => {
  const rectangle = ['2', '4', '2', '3'].map((edge, at) => element(`0018160${at * 2 + 2}`, 'IS', edge));
  it.each([
    ['RECTANGULAR', rectangle, ['oooooo', 'o...oo', 'o...oo', 'oooooo', 'oooooo']],
    [
      'CIRCULAR',
      [element('00181610', 'IS', '3\\3'), element('00181612', 'IS', '2')],
      ['oo.ooo', 'o...oo', '.....o', 'o...oo', 'oo.ooo'],
    ],
    [
      'POLYGONAL',
      [element('00181620', 'IS', '1\\1\\1\\5\\5\\1')],
      ['.....o', '....oo', '...ooo', '..oooo', '.ooooo'],
    ],
    [
      'BITMAP',
      [
        element('00181623', 'US', [0x6000]),
        element('60000010', 'US', [1]),
        element('60000011', 'US', [6]),
        element('60000050', 'SS', [2, 1]),
        element('60003000', 'OW', [0b100101]),
      ],
      ['......', 'o.o..o', '......', '......', '......'],
    ],
    [
      'RECTANGULAR\\CIRCULAR',
      [...rectangle, element('00181610', 'IS', '3\\3'), element('00181612', 'IS', '1')],
      ['oooooo', 'oo.ooo', 'o...oo', 'oooooo', 'oooooo'],
    ],
  ])('%s', async (shape, extra, expected) => {
    expect(await drawing(flat(5, 6), [element('00181600', 'CS', shape), ...extra])).toEqual(expected);
    const white = element('00181622', 'US', [0xffff]);
    const lit = await drawing(flat(5, 6), [element('00181600', 'CS', shape), ...extra, white]);
    expect(lit).toEqual(expected.map((row) => row.replaceAll('o', '#')));
  });

  it.each([
    ['RECTANGULAR', []],
    ['CIRCULAR', [element('00181610', 'IS', '3')]],
    ['POLYGONAL', [element('00181620', 'IS', '1\\1\\2\\2')]],
    ['BITMAP', [element('00181623', 'US', [0x6000])]],
    ['OTHER', []],
  ])('that are not complete are refused, because they hide something: %s', async (shape, extra) => {
    await expect(presented(flat(2, 2), [element('00181600', 'CS', shape), ...extra])).rejects.toThrow(
      'shutter',
    );
  });
});

/** An overlay of one row whose pixels are the bits of a word. */
const planeOf = (word: number) => [
  element('60000010', 'US', [1]),
  element('60000011', 'US', [4]),
  element('60000050', 'SS', [1, 1]),
  element('60003000', 'OW', [word]),
];

/** A text in a box of 40 by 12 pixels. */
const boxed = (alignment: string) => [
  element('00700003', 'CS', 'PIXEL'),
  element('00700006', 'ST', 'I'),
  element('00700010', 'FL', [0, 0]),
  element('00700011', 'FL', [40, 12]),
  element('00700012', 'CS', alignment),
];

/** The first and the last column in which a text is white. */
const textColumns = async (text: DicomElement[]) => {
  const rows = await drawing(flat(14, 40), [graphics([], [text])]);
  const columns = rows.flatMap((row) =>
    Array.from(row, (sign, column) => (sign === '#' ? [column] : [])).flat(),
  );
  return [Math.min(...columns), Math.max(...columns)];
};

describe('the annotations of a presentation state', () => {
  it.each([
    [
      'a line',
      [graphic('POLYLINE', [0.5, 0.5, 4.5, 0.5])],
      ['#####.', '......', '......', '......', '......'],
    ],
    ['a point', [graphic('POINT', [2.5, 2.5])], ['..#...', '..#...', '#####.', '..#...', '..#...']],
    [
      'a filled box in parts of the displayed area',
      [graphic('POLYLINE', [0.25, 0.25, 0.6, 0.25, 0.6, 0.75, 0.25, 0.75, 0.25, 0.25], 'DISPLAY', 'Y')],
      ['......', '.###..', '.###..', '.###..', '......'],
    ],
    [
      'a circle',
      [graphic('CIRCLE', [2.5, 2.5, 4.5, 2.5])],
      ['.###..', '##.##.', '#...#.', '##.##.', '.###..'],
    ],
    [
      'an ellipse',
      [graphic('ELLIPSE', [0.5, 2.5, 4.5, 2.5, 2.5, 1.5, 2.5, 3.5], 'PIXEL', 'Y')],
      ['......', '#####.', '#####.', '#####.', '......'],
    ],
    [
      'an interpolated line',
      [graphic('INTERPOLATED', [0.5, 4.5, 2.5, 4.5, 5.5, 4.5])],
      ['......', '......', '......', '......', '######'],
    ],
    [
      'a line that leaves the picture',
      [graphic('POLYLINE', [-9e5, 2.5, 9e5, 2.5])],
      ['......', '......', '######', '......', '......'],
    ],
  ])('%s', async (_, objects, expected) => {
    expect(await drawing(flat(5, 6), [graphics(objects)])).toEqual(expected);
  });

  it('turn with the image in pixels, and not in parts of the displayed area', async () => {
    const objects = [
      graphic('POLYLINE', [0.5, 0.5, 5.5, 0.5]),
      graphic('POLYLINE', [0.1, 0.95, 0.5, 0.95], 'DISPLAY'),
    ];
    expect(await drawing(flat(3, 6), [graphics(objects), element('00700042', 'US', [90])])).toEqual([
      '..#',
      '..#',
      '..#',
      '..#',
      '..#',
      '###',
    ]);
  });

  it('are drawn layer by layer, in the colours of the layers, for the images they refer to', async () => {
    const layers = sequence(
      '00700060',
      [element('00700002', 'CS', 'L'), element('00700062', 'IS', '2'), element('00700066', 'US', [0])],
      [
        element('00700002', 'CS', 'M'),
        element('00700062', 'IS', '1'),
        element('00700401', 'US', [0x8000, 0xffff, 0x8080]),
      ],
    );
    const line = graphic('POLYLINE', [0.5, 0.5, 3.5, 0.5]);
    const one = (layer: string, reference: DicomElement[], points: DicomElement[]) => [
      ...reference,
      element('00700002', 'CS', layer),
      sequence('00700009', points),
    ];
    const { channels, samples: all } = await presented(flat(1, 4), [
      layers,
      sequence(
        '00700001',
        one('L', [], graphic('POLYLINE', [0.5, 0.5, 1.5, 0.5])),
        one('M', [], line),
        one('L', [imageReference(freshUid())], line),
      ),
    ]);
    expect(channels).toBe(3);
    expect([...all.subarray(0, 6)]).toEqual([0, 0, 0, 0, 0, 0]);
    const [red = 0, green = 0, blue = 0] = all.subarray(6);
    expect([red > 200, green < 60, blue > 60]).toEqual([true, true, true]);
  });

  it('include overlays with an activation layer, of the state before those of the image', async () => {
    const image = { ...flat(1, 4), extra: planeOf(0b0011) };
    const active = element('60001001', 'CS', 'L');
    expect(await drawing(image, [])).toEqual(['....']);
    expect(await drawing(image, [active])).toEqual(['##..']);
    expect(await drawing(image, [active, ...planeOf(0b1000)])).toEqual(['...#']);
    expect(await drawing(image, planeOf(0b1000))).toEqual(['....']);
  });

  it('include texts in their box or at their anchor point', async () => {
    expect(await textColumns(boxed('LEFT'))).toEqual([1, 3]);
    expect(await textColumns(boxed('CENTER'))).toEqual([18, 20]);
    expect(await textColumns(boxed('RIGHT'))).toEqual([35, 37]);
    const anchor = [
      element('00700004', 'CS', 'DISPLAY'),
      element('00700006', 'ST', 'I'),
      element('00700014', 'FL', [0.5, 0]),
      element('00700015', 'CS', 'N'),
    ];
    expect(await textColumns(anchor)).toEqual([21, 23]);
  });

  it.each([
    ['an unknown kind', [graphic('SQUARE', [1, 1, 2, 2])]],
    ['other units', [graphic('POLYLINE', [1, 1, 2, 2], 'MATRIX')]],
    ['a circle with one point', [graphic('CIRCLE', [1, 1])]],
    ['a number that is not finite', [graphic('POLYLINE', [1, 1, Number.NaN, 2])]],
    [
      '21,000 points',
      Array.from({ length: 3 }, () =>
        graphic(
          'POLYLINE',
          Array.from({ length: 14_000 }, () => 1),
        ),
      ),
    ],
    ['a point far outside', [graphic('POINT', [1e7, 1])]],
    ['2,001 objects', Array.from({ length: 2001 }, () => graphic('POINT', [1, 1]))],
  ])('are refused: %s', async (_, objects) => {
    await expect(presented(flat(2, 2), [graphics(objects)])).rejects.toThrow('graphic annotation');
  });

  it('are refused if they take too long to draw', async () => {
    const zigzag = Array.from({ length: 5000 }, (_, step) => [
      step % 2 === 0 ? 0 : 64,
      (step * 37) % 64,
    ]).flat();
    const objects = [graphic('INTERPOLATED', [...zigzag, 0, 0], 'PIXEL', 'Y')];
    const viewport = { width: 700, height: 700 };
    const before = process.threadCpuUsage();
    await expect(presented(flat(64, 64), [graphics(objects)], { viewport })).rejects.toThrow(
      'too long to draw',
    );
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(8000);
  });

  it('take limited time, however hostile', async () => {
    const far = oneof(
      double({ min: -1e6, max: 1e6, noNaN: true }),
      double({ min: -50, max: 5000, noNaN: true }),
    );
    const points = array(tuple(far, far), { minLength: 2, maxLength: 400 });
    await assert(
      asyncProperty(
        points,
        constantFrom('POLYLINE', 'INTERPOLATED'),
        constantFrom('Y', 'N'),
        async (all, kind, filled) => {
          const closed = [...all.flat(), ...(all[0] ?? [])];
          const { width } = await presented(flat(64, 64), [
            graphics([graphic(kind, closed, 'PIXEL', filled)]),
          ]);
          expect(width).toBe(64);
        },
      ),
      { numRuns: longForm(500, 20) },
    );
  });
});
