import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { encodeDataset, type DicomElement } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { deidentifiedFile } from '../../src/dicom/deidentify/deidentified.file.js';
import { BASIC, type DeidentificationOptions } from '../../src/dicom/deidentify/deidentification.options.js';
import { Pseudonyms } from '../../src/dicom/deidentify/pseudonyms.js';
import { DicomUnreadable } from '../../src/dicom/dicom.unreadable.js';
import { openDictionary } from '../../src/dicom/dictionary.js';
import { metadataOfFile } from '../../src/dicom/json/file.metadata.js';
import { plantedFile } from './planted.files.ts';

const KEY = createHash('sha256').update('an audience').digest();
const patient = { issuer: 'Hospital', patientId: 'P-7' };
const EXPLICIT = '1.2.840.10008.1.2.1';
const plain = [
  element('00080008', 'CS', 'ORIGINAL\\PRIMARY'),
  element('00180015', 'CS', 'CHEST'),
  element('00280301', 'CS', 'NO'),
];
const PROFILES: readonly (readonly [string, Partial<DeidentificationOptions>])[] = [
  ['the basic profile', {}],
  ['modified dates', { modifiedDates: true }],
  ['patient characteristics', { retainPatient: true }],
  ['cleaned descriptions', { cleanDescriptors: true }],
  ['three options', { modifiedDates: true, retainPatient: true, cleanDescriptors: true }],
];

describe('the de-identified copy of a file', () => {
  it.each(PROFILES.map(([name, chosen], at) => ({ name, chosen, first: at * 100_000 })))(
    'with $name contains no identifier, although each attribute of the file had one',
    async ({ chosen, first }) => {
      const { file, planted } = plantedFile(first, 2);
      const copy = (await copyOf(file, chosen)).toString('latin1');
      expect(new Set(planted).size).toBeGreaterThan(6000);
      expect(planted.filter((text) => copy.includes(text))).toEqual([]);
    },
  );

  it('keeps identifiers only where an option says so', async () => {
    const file = fileWith([
      element('00181000', 'LO', 'SERIAL-0000-1'),
      element('00081010', 'SH', 'STATION-1'),
    ]);
    expect((await copyOf(file)).includes('SERIAL-0000-1')).toBe(false);
    const copy = await copyOf(file, { retainDevice: true });
    expect([copy.includes('SERIAL-0000-1'), copy.includes('STATION-1')]).toEqual([true, true]);
  });

  it('moves all dates of a patient by the same days, and leaves times alone', async () => {
    const file = fileWith([
      element('00080020', 'DA', '20240229'),
      element('00080021', 'DA', '20240301'),
      element('00080030', 'TM', '101500.25'),
      element('0008002A', 'DT', '20240301101500.250000+0100'),
      element('00100030', 'DA', '19700101'),
      element('00080022', 'DA', '20240230'),
    ]);
    const { text } = await valuesOf(await copyOf(file, { modifiedDates: true }));
    const days = day('20240229') - day(text('00080020'));
    expect(days).toBeGreaterThan(0);
    expect(day('20240301') - day(text('00080021'))).toBe(days);
    expect(day('20240301') - day(text('0008002A'))).toBe(days);
    expect(text('0008002A').slice(8)).toBe('101500.250000+0100');
    expect(text('00080030')).toBe('101500.25');
    // A birth date has no option, and 30 February is no date.
    expect([text('00100030'), text('00080022')]).toEqual(['', '']);
    expect(text('00280303')).toBe('MODIFIED');
  });

  it('says what was done, in ascending order of the elements', async () => {
    const copy = await copyOf(fileWith([]), { cleanDescriptors: true });
    const { text, codes } = await valuesOf(copy);
    expect(text('00120062')).toBe('YES');
    expect(codes('00120064')).toEqual(['113100', '113105']);
    expect(text('00100020')).toMatch(/^P[0-9A-F]{15}$/);
    const places = ['10001000', '10002000', '12006200', '12006300', '12006400', '28000303', 'e07f1000'].map(
      (head) => copy.indexOf(Buffer.from(head, 'hex')),
    );
    expect(places).toEqual(places.toSorted((before, after) => before - after));
  });

  it('keeps coded concepts of public schemes only, and never their free text', async () => {
    expect(await kept('T-D3000', 'SRT', 'Chest')).toEqual(['T-D3000', 'SRT', 'Chest']);
    expect(await kept('51185008', 'SCT', 'Robin Sample')).toEqual(['51185008', 'SCT', '51185008']);
    const replaced = ['REMOVED', '99REMOVED', 'REMOVED'];
    expect(await kept('ROBIN SAMPLE', '99LOCAL', 'Robin')).toEqual(replaced);
    expect(await kept('ROBIN SAMPLE', 'SCT', 'Robin')).toEqual(replaced);
  });

  it('gives each UID one pseudonym of an audience, and does not change registered UIDs', () => {
    const [one, other] = [new Pseudonyms(KEY), new Pseudonyms(createHash('sha256').update('other').digest())];
    expect(one.uid('1.2.3')).toBe(new Pseudonyms(KEY).uid('1.2.3'));
    expect(one.uid('1.2.3')).toMatch(/^2\.25\.(0|[1-9]\d*)$/);
    expect(one.uid('1.2.3').length).toBeLessThanOrEqual(64);
    expect(other.uid('1.2.3')).not.toBe(one.uid('1.2.3'));
    expect(one.uid('1.2.840.10008.5.1.4.1.1.2')).toBe('1.2.840.10008.5.1.4.1.1.2');
    expect(one.uid('1.2.840.10008.123456789')).toMatch(/^2\.25\./);
    expect(one.patient('a', 'bc')).not.toBe(one.patient('ab', 'c'));
  });

  it('is never made of a part of a file: each truncation before the pixels is an error', async () => {
    const file = fileWith([element('00082218', 'SQ', { items: [[element('00080100', 'SH', 'T-D3000')]] })]);
    const pixels = file.lastIndexOf(Buffer.from('e07f1000', 'hex'));
    for (let end = 132; end < pixels; end += 7) {
      const error: unknown = await copyOf(file.subarray(0, end)).then(
        (copy) => copy,
        (reason: unknown) => reason,
      );
      // A file that ends between two elements is a file without pixels.
      if (Buffer.isBuffer(error)) expect((await valuesOf(error)).tags).toContain('00100020');
      else expect(error, String(end)).toBeInstanceOf(Error);
    }
  });

  it.each([
    ['a repeated element', element('00280301', 'CS', 'NO')],
    ['an element out of order', element('00080008', 'CS', 'ORIGINAL\\PRIMARY')],
    ['an overlay after the pixels', element('60000010', 'US', [8])],
  ])('refuses %s, which could hide a reason to hold the copy back', async (_, more) => {
    const end = encodeDataset([more], EXPLICIT);
    await expect(copyOf(Buffer.concat([fileWith([]), end]))).rejects.toBeInstanceOf(DicomUnreadable);
  });

  it('refuses compressed pixels, because they can contain comments', async () => {
    const file = makeInstance({ extra: plain, transferSyntax: '1.2.840.10008.1.2.5' });
    await expect(copyOf(file)).rejects.toBeInstanceOf(DicomUnreadable);
  });
});

/** The number of a day of DA or DT. */
function day(value: string): number {
  return Date.parse(value.replace(/^(\d{4})(\d{2})(\d{2}).*$/, '$1-$2-$3')) / 86_400_000;
}

function concept(code: string, scheme: string, meaning: string): DicomElement[] {
  return [
    element('00080100', 'SH', code),
    element('00080102', 'SH', scheme),
    element('00080104', 'LO', meaning),
  ];
}

/** The code value, the coding scheme and the meaning of a concept in the copy. */
async function kept(...it: [code: string, scheme: string, meaning: string]): Promise<string[]> {
  const copy = await copyOf(fileWith([element('00082218', 'SQ', { items: [concept(...it)] })]));
  const { item } = await valuesOf(copy);
  return ['00080100', '00080102', '00080104'].map((tag) => item('00082218', tag));
}

function fileWith(extra: DicomElement[]): Buffer {
  return makeInstance({ extra: [...plain, ...extra] });
}

async function copyOf(file: Buffer, chosen: Partial<DeidentificationOptions> = {}): Promise<Buffer> {
  const cleaning = {
    options: { ...BASIC, ...chosen },
    pseudonyms: new Pseudonyms(KEY),
    dictionary: await openDictionary(),
  };
  const pieces: Buffer[] = [];
  for await (const piece of deidentifiedFile(Readable.from([file]), patient, cleaning, EXPLICIT))
    pieces.push(piece);
  return Buffer.concat(pieces);
}

interface Values {
  readonly tags: readonly string[];
  /** The first value of an element as text. Empty when it has none. */
  readonly text: (tag: string) => string;
  /** The code values of the items of a sequence. */
  readonly codes: (tag: string) => readonly string[];
  /** The first value of an element of the first item. */
  readonly item: (sequence: string, tag: string) => string;
}

const Attributes: z.ZodType<Readonly<Record<string, { Value?: readonly unknown[] | undefined }>>> = z.record(
  z.string(),
  z.looseObject({ Value: z.array(z.unknown()).optional() }),
);

async function valuesOf(copy: Buffer): Promise<Values> {
  const all = Attributes.parse(await metadataOfFile(Readable.from([copy])));
  const itemsOf = (tag: string) => (all[tag]?.Value ?? []).map((one) => Attributes.parse(one));
  return {
    tags: Object.keys(all),
    text: (tag) => textOf(all[tag]?.Value?.[0]),
    codes: (tag) => itemsOf(tag).map((one) => textOf(one['00080100']?.Value?.[0])),
    item: (sequence, tag) => textOf(itemsOf(sequence)[0]?.[tag]?.Value?.[0]),
  };
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const name = z.object({ Alphabetic: z.string() }).safeParse(value);
  return name.success ? name.data.Alphabetic : '';
}
