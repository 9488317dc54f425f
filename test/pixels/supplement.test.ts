import { describe, expect, it } from 'vitest';
import type { DicomElement } from '../../infra/demo/dicom.elements.ts';
import { element } from '../../infra/demo/dicom.writer.ts';
import { windowFormulas } from './formulas.ts';
import { samplesOfImage } from './rendering.ts';

const items = (tag: string, ...all: DicomElement[][]): DicomElement => ({
  tag,
  vr: 'SQ',
  value: { items: all },
});
const window = [element('00281050', 'DS', '50'), element('00281051', 'DS', '100')];
const tables = [
  [0x1234, 0xff00, 0x00ff],
  [0x8000, 0x4000, 0x2000],
  [0xffff, 0, 0x0100],
] as const;

/** A palette for the values from `first`. */
const palette = (first: number) =>
  tables.flatMap((entries, index) => [
    element(`0028110${index + 1}`, 'US', [entries.length, first, 16]),
    element(`0028120${index + 1}`, 'OW', Buffer.from(Uint16Array.from(entries).buffer)),
  ]);
const presented = (kind: string) => element('00089205', 'CS', kind);

/** The colour of a value: of the palette if it is mapped, and otherwise the grey of its window. */
function expected(values: readonly number[], first: number): number[] {
  return values.flatMap((value) => {
    const colour = tables.map((entries) => entries[value - first]);
    const grey = Math.round(windowFormulas.LINEAR(value, 50, 100));
    return colour.map((entry) => (entry === undefined ? grey : entry >> 8));
  });
}

describe('a supplemental palette of a grey image', () => {
  const values = [0, 20, 99, 199, 200, 201, 202, 203, 255];
  const image = { bytes: Buffer.from(values) };

  it.each(['COLOR', 'MIXED'])(
    'gives the mapped values their colours, for Pixel Presentation %s',
    async (kind) => {
      const extra = [...window, ...palette(200), presented(kind)];
      expect(await samplesOfImage({ ...image, extra })).toEqual(expected(values, 200));
    },
  );

  it.each([
    ['MONOCHROME', [presented('MONOCHROME')]],
    ['absent', []],
  ] as const)('is not used if Pixel Presentation is %s', async (_, more) => {
    const samples = await samplesOfImage({ ...image, extra: [...window, ...palette(200), ...more] });
    expect(samples).toEqual(values.map((value) => Math.round(windowFormulas.LINEAR(value, 50, 100))));
  });

  it.each(['00189226', '00189329', '00189751'])('is used for the frames that %s names', async (sequence) => {
    const group = (kind: string) => [items(sequence, [presented(kind)])];
    const frames = items('52009230', group('COLOR'), group('MONOCHROME'));
    const extra = [...window, ...palette(200), presented('MIXED'), frames];
    const two = { bytes: Buffer.from([...values, ...values]), frames: 2, extra };
    expect(await samplesOfImage(two, 1)).toEqual(expected(values, 200));
    expect(await samplesOfImage(two, 2)).toHaveLength(values.length);
  });

  it('does not count for the range of the values', async () => {
    const samples = await samplesOfImage({
      bytes: Buffer.of(10, 30, 20, 200),
      extra: [...palette(200), presented('COLOR')],
    });
    expect(samples.slice(0, 9)).toEqual([0, 0, 0, 255, 255, 255, 128, 128, 128]);
  });
});

describe('a Presentation LUT of an image', () => {
  it.each(['MONOCHROME1', 'MONOCHROME2'])(
    'is the last step, and takes the place of the inversion of %s',
    async (photometric) => {
      const entries = [255, 100, 0, 7, 200];
      const lut = [element('00283002', 'US', [entries.length, 0, 8]), element('00283006', 'US', entries)];
      const values = [0, 10, 25, 49, 60, 75, 90, 99];
      const extra = [...window, items('20500010', lut)];
      const shown = await samplesOfImage({ photometric, bytes: Buffer.from(values), extra });
      const wanted = values.map((value) => {
        const grey = windowFormulas.LINEAR(value, 50, 100);
        return entries[Math.round((grey / 255) * (entries.length - 1))];
      });
      expect(shown).toEqual(wanted);
    },
  );
});
