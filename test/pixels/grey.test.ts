import { describe, expect, it } from 'vitest';
import type { DicomElement } from '../../infra/demo/dicom.elements.ts';
import { element } from '../../infra/demo/dicom.writer.ts';
import { windowFormulas } from './formulas.ts';
import { samplesOfImage, type TestImage } from './rendering.ts';

/** Words in little endian. Negative numbers are written in two's complement. */
function words(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, at) => bytes.writeUInt16LE(value & 0xffff, at * 2));
  return bytes;
}

const window = (center: number, width: number, shape?: string): DicomElement[] => [
  element('00281050', 'DS', String(center)),
  element('00281051', 'DS', String(width)),
  ...(shape === undefined ? [] : [element('00281056', 'CS', shape)]),
];
const rescale = (slope: number, intercept: number): DicomElement[] => [
  element('00281053', 'DS', String(slope)),
  element('00281052', 'DS', String(intercept)),
];
const sequence = (tag: string, item: DicomElement[]): DicomElement => ({
  tag,
  vr: 'SQ',
  value: { items: [item] },
});
const table = (tag: string, first: number, bits: number, entries: readonly number[], vr = 'US') =>
  sequence(tag, [element('00283002', vr, [entries.length, first, bits]), element('00283006', 'US', entries)]);
const rounded = (values: readonly number[]) => values.map(Math.round);

/** How a stored value is packed into an allocated word. `junk`: bits outside of the value, such as overlays. */
const layouts = [
  { name: '8 bits', allocated: 8, stored: 8, high: 7, signed: false, junk: 0 },
  { name: '6 of 8 bits', allocated: 8, stored: 6, high: 5, signed: false, junk: 0xc0 },
  { name: 'signed 8 bits', allocated: 8, stored: 8, high: 7, signed: true, junk: 0 },
  { name: '12 of 16 bits', allocated: 16, stored: 12, high: 11, signed: false, junk: 0xf000 },
  { name: '12 of 16 bits, High Bit 15', allocated: 16, stored: 12, high: 15, signed: false, junk: 0x000f },
  { name: 'signed 12 of 16 bits', allocated: 16, stored: 12, high: 11, signed: true, junk: 0xf000 },
  { name: 'signed 16 bits', allocated: 16, stored: 16, high: 15, signed: true, junk: 0 },
  { name: '16 bits', allocated: 16, stored: 16, high: 15, signed: false, junk: 0 },
  { name: 'signed 32 bits', allocated: 32, stored: 32, high: 31, signed: true, junk: 0 },
  { name: '32 bits', allocated: 32, stored: 32, high: 31, signed: false, junk: 0 },
] as const;

/** Some stored values of a layout, and an image with these values. */
function sampled({ allocated, stored, high, signed, junk }: (typeof layouts)[number]) {
  const size = 2 ** stored;
  const least = signed ? -size / 2 : 0;
  const values = Array.from({ length: 64 }, (_, at) => Math.round(least + ((size - 1) * at) / 63));
  const bytes = Buffer.alloc((values.length * allocated) / 8);
  values.forEach((value, at) => {
    const word = ((value - least + (signed ? size / 2 : 0)) % size) * 2 ** (high + 1 - stored) + junk;
    bytes.writeUIntLE(word, (at * allocated) / 8, allocated / 8);
  });
  const image: TestImage = { allocated, stored, high, signed, bytes };
  return { values, image };
}

describe('a grey frame', () => {
  const kinds = layouts.flatMap((layout) =>
    (['LINEAR', 'LINEAR_EXACT', 'SIGMOID'] as const).map((shape) => ({ layout, shape, name: layout.name })),
  );

  it.each(kinds)('of $name shows each value as $shape defines', async ({ layout, shape }) => {
    const { values, image } = sampled(layout);
    const spread = (Math.max(...values) - Math.min(...values)) / 2;
    const [slope, intercept] = [0.5, -10];
    const [center, width] = [(values[32] ?? 0) * slope + intercept, Math.max(spread * slope, 2)];
    const extra = [...rescale(slope, intercept), ...window(center, width, shape)];
    const expected = values.map((value) => windowFormulas[shape](value * slope + intercept, center, width));
    expect(await samplesOfImage({ ...image, extra })).toEqual(rounded(expected));
    // The same window in a request takes the place of the window of the image.
    const other = [...rescale(slope, intercept), ...window(5, 1)];
    expect(await samplesOfImage({ ...image, extra: other }, 1, { center, width, shape })).toEqual(
      rounded(expected),
    );
  });

  it.each(layouts)('of $name without a window shows the range of its values', async (layout) => {
    const { values, image } = sampled(layout);
    const used = values.slice(5, 60);
    const bytes = image.bytes.subarray((5 * layout.allocated) / 8, (60 * layout.allocated) / 8);
    const [least, most] = [Math.min(...used), Math.max(...used)];
    const expected = used.map((value) => ((value - least) / (most - least)) * 255);
    const shown = await samplesOfImage({ ...image, bytes: Buffer.from(bytes), columns: used.length });
    shown.forEach((grey, at) => expect(Math.abs(grey - (expected[at] ?? 0))).toBeLessThanOrEqual(0.501));
  });

  it('of one value only is black, and white when small values are white', async () => {
    const bytes = Buffer.alloc(4, 7);
    expect(await samplesOfImage({ bytes })).toEqual([0, 0, 0, 0]);
    expect(await samplesOfImage({ bytes, photometric: 'MONOCHROME1' })).toEqual([255, 255, 255, 255]);
  });

  it('ignores windows that the standard does not permit', async () => {
    const bytes = Buffer.of(10, 20, 30, 40);
    const range = [0, 85, 170, 255];
    for (const extra of [
      window(20, 0),
      window(20, 0.5),
      window(20, -5, 'SIGMOID'),
      [element('00281050', 'DS', 'x'), element('00281051', 'DS', '10')],
      [element('00281050', 'DS', '20')],
    ])
      expect(await samplesOfImage({ bytes, extra })).toEqual(range);
  });

  it('uses the first of several windows', async () => {
    const extra = [element('00281050', 'DS', '20\\1000'), element('00281051', 'DS', '21\\2')];
    const bytes = Buffer.of(9, 15, 20, 29, 30);
    const expected = [...bytes].map((value) => windowFormulas.LINEAR(value, 20, 21));
    expect(await samplesOfImage({ bytes, extra })).toEqual(rounded(expected));
  });

  it('is inverted once, by MONOCHROME1, by Presentation LUT Shape, or by both', async () => {
    const bytes = Buffer.of(0, 51, 102, 255);
    const inverse = element('20500020', 'CS', 'INVERSE');
    const identity = element('20500020', 'CS', 'IDENTITY');
    const shown = (photometric: string, extra: DicomElement[]) =>
      samplesOfImage({ bytes, photometric, extra: [...window(128, 256), ...extra] });
    const turned = [255, 204, 153, 0];
    expect(await shown('MONOCHROME1', [])).toEqual(turned);
    expect(await shown('MONOCHROME2', [inverse])).toEqual(turned);
    expect(await shown('MONOCHROME1', [inverse])).toEqual(turned);
    expect(await shown('MONOCHROME2', [identity])).toEqual([0, 51, 102, 255]);
  });
});

describe('lookup tables', () => {
  it('a Modality LUT maps stored values, and its ends continue', async () => {
    const extra = [...rescale(100, 100), table('00283000', 2, 12, [10, 20, 40, 80]), ...window(40, 81)];
    const bytes = Buffer.of(0, 1, 2, 3, 4, 5, 6, 255);
    const mapped = [10, 10, 10, 20, 40, 80, 80, 80];
    const expected = mapped.map((value) => windowFormulas.LINEAR(value, 40, 81));
    expect(await samplesOfImage({ bytes, extra })).toEqual(rounded(expected));
  });

  it('a VOI LUT takes the place of the window of the image, but not of the request', async () => {
    const extra = [table('00283010', -2, 10, [0, 100, 1023, 500], 'SS'), ...window(0, 4), ...rescale(1, 0)];
    const image = { allocated: 16, signed: true, bytes: words([-9, -2, -1, 0, 1, 9]), extra };
    const mapped = [0, 0, 100, 1023, 500, 500].map((entry) => (entry / 1023) * 255);
    expect(await samplesOfImage(image)).toEqual(rounded(mapped));
    const asked = [-9, -2, -1, 0, 1, 9].map((value) => windowFormulas.LINEAR(value, 0, 4));
    expect(await samplesOfImage(image, 1, { center: 0, width: 4, shape: 'LINEAR' })).toEqual(rounded(asked));
  });

  it.each(['1.2.840.10008.1.2', '1.2.840.10008.1.2.1'])(
    'with a negative first value are read in %s',
    async (transferSyntax) => {
      const extra = [table('00283000', -1, 8, [0, 100, 255]), ...window(128, 256)];
      const bytes = words([-5, -1, 0, 1, 5]);
      const image = { transferSyntax, allocated: 16, signed: true, bytes, extra };
      expect(await samplesOfImage(image)).toEqual([0, 0, 100, 255, 255]);
    },
  );
});

/** What a window of width 101 shows of the values 10, 20 and 30. */
const expected = (slope: number, center: number) =>
  rounded([10, 20, 30].map((value) => windowFormulas.LINEAR(value * slope, center, 101)));

describe('functional groups', () => {
  const group = (slope: number, center: number) => [
    sequence('00289145', rescale(slope, 0)),
    sequence('00289132', window(center, 101)),
  ];
  const bytes = Buffer.of(10, 20, 30, 10, 20, 30);
  const base = { bytes, frames: 2, columns: 3 };
  const top = [...rescale(9, 0), ...window(900, 101)];
  const shared = sequence('52009229', group(2, 40));
  const perFrame: DicomElement = {
    tag: '52009230',
    vr: 'SQ',
    value: { items: [group(1, 20), group(3, 60)] },
  };

  it('of a frame come before shared ones, and shared ones before the top level', async () => {
    const all = { ...base, extra: [...top, shared, perFrame] };
    expect(await samplesOfImage(all, 1)).toEqual(expected(1, 20));
    expect(await samplesOfImage(all, 2)).toEqual(expected(3, 60));
    expect(await samplesOfImage({ ...base, extra: [...top, shared] }, 2)).toEqual(expected(2, 40));
    expect(await samplesOfImage({ ...base, extra: top }, 2)).toEqual(expected(9, 900));
  });

  it('that lack a window leave it to the next level', async () => {
    const partial: DicomElement = {
      tag: '52009230',
      vr: 'SQ',
      value: { items: [[sequence('00289145', rescale(4, 0))], []] },
    };
    expect(await samplesOfImage({ ...base, extra: [shared, partial] }, 1)).toEqual(expected(4, 40));
    expect(await samplesOfImage({ ...base, extra: [shared, partial] }, 2)).toEqual(expected(2, 40));
  });
});

describe('the range without a window', () => {
  it('leaves padding out, one value or a range in any order', async () => {
    const padding = element('00280120', 'US', [0]);
    const bytes = Buffer.of(0, 100, 150, 200);
    expect(await samplesOfImage({ bytes, extra: [padding] })).toEqual([0, 0, 128, 255]);
    const upTo = [element('00280120', 'US', [250]), element('00280121', 'US', [240])];
    expect(await samplesOfImage({ bytes: Buffer.of(245, 100, 150, 200), extra: upTo })).toEqual([
      255, 0, 128, 255,
    ]);
    const signed = [element('00280120', 'SS', [-2000]), ...rescale(1, -1000)];
    const image = { allocated: 16, signed: true, bytes: words([-2000, 0, 50, 100]), extra: signed };
    expect(await samplesOfImage(image)).toEqual([0, 0, 128, 255]);
    expect(await samplesOfImage({ bytes: Buffer.alloc(4), extra: [padding] })).toEqual([0, 0, 0, 0]);
  });

  it('of a dose begins at 0, in units of the dose', async () => {
    const extra = [element('3004000E', 'DS', '0.001')];
    const image = { allocated: 16, bytes: words([500, 1000, 2000]), extra };
    expect(await samplesOfImage(image)).toEqual([64, 128, 255]);
    expect(await samplesOfImage(image, 1, { center: 1, width: 2, shape: 'LINEAR_EXACT' })).toEqual([
      64, 128, 255,
    ]);
  });

  it('of floating-point numbers ignores NaN and infinity, which are black', async () => {
    const values = [Number.NaN, -1, 0, 1, Infinity, -Infinity];
    const float = Buffer.alloc(24);
    const double = Buffer.alloc(48);
    values.forEach((value, at) => {
      float.writeFloatLE(value, at * 4);
      double.writeDoubleLE(value, at * 8);
    });
    const kinds = [
      { allocated: 32, bytes: float, pixelData: ['7FE00008', 'OF'] as const },
      { allocated: 64, bytes: double, pixelData: ['7FE00009', 'OD'] as const },
    ];
    for (const kind of kinds) expect(await samplesOfImage(kind)).toEqual([0, 0, 128, 255, 0, 0]);
  });

  it('of a bitmap is black and white, and its frames need not begin at a byte', async () => {
    // Three frames of 5 pixels each: bits 0 to 14, the lowest bit of a byte first.
    const image = { allocated: 1, frames: 3, columns: 5, bytes: Buffer.of(0b1010_0110, 0b0101_1001) };
    expect(await samplesOfImage(image, 1)).toEqual([0, 255, 255, 0, 0]);
    expect(await samplesOfImage(image, 2)).toEqual([255, 0, 255, 255, 0]);
    expect(await samplesOfImage(image, 3)).toEqual([0, 255, 255, 0, 255]);
    expect(await samplesOfImage({ allocated: 1, columns: 8, bytes: Buffer.of(255, 0) })).toEqual(
      Array.from({ length: 8 }, () => 255),
    );
  });

  it('of a fractional segmentation ends at its largest fraction', async () => {
    const extra = [element('0062000E', 'US', [200])];
    expect(await samplesOfImage({ bytes: Buffer.of(0, 50, 100, 100), extra })).toEqual([0, 64, 128, 128]);
  });
});
