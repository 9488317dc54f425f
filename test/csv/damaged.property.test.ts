import * as fc from 'fast-check';
import { isUtf8 } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { encodeList, type FileForm } from '../../infra/demo/patients.file.ts';
import { longForm } from '../support/long.form.ts';
import { readCsv, shipped } from './csv.reading.ts';
import { cellsByColumn } from '../../src/csv/csv.reader.js';
import { CsvProbe } from '../../src/csv/csv.probe.js';
import { SHIPPED_TERMS } from '../../src/mapping/defaults.js';
import { mapRow } from '../../src/mapping/row.mapping.js';
import type { RowPlan } from '../../src/mapping/row.plan.js';
import { indexConceptMap, lookUpIn } from '../../src/mapping/words/concept.map.js';

const brazil = shipped('brazil-hospital');
const context = {
  key: Buffer.alloc(32, 7),
  today: '2026-03-01',
  lookUp: lookUpIn(indexConceptMap(SHIPPED_TERMS)),
};
const HEADER = ['Nome', 'CPF', 'Gênero', 'Data de Nascimento', 'Telefone', 'Observação'];
const PLAIN = ['Nome', 'CPF', 'Sexo', 'DN', 'Telefone', 'Obs'];

/** The CPF of a patient by number, without valid check digits. The mapping allows such numbers with a warning. */
const cpf = (number: number) => `${100_000_000 + number}00`;
const names = fc.constantFrom(
  'João da Silva',
  'ANDRÉ GONÇALVES',
  'Zoë Müller',
  'Ana Souza',
  'Núñez, Íñigo',
  'D’Ávila "Nenê"',
  'MARIA DA CONCEIÇÃO',
  'Élodie Lefèvre',
);
const list = fc
  .array(
    fc.tuple(
      names,
      fc.constantFrom('Feminino', 'Masculino'),
      fc.constantFrom('01/02/1980', '31/12/1999'),
      fc.constantFrom('(11) 3333-4444', ''),
      fc.constantFrom('', 'Diabético', 'Hipertenso|Diabético', 'Nº 5'),
    ),
    { minLength: 12, maxLength: 40 },
  )
  .map((rows) => rows.map(([name, ...rest], at) => [name, cpf(at + 1), ...rest]));

const encodings = [
  'utf-8',
  'windows-1252',
  'iso-8859-1',
  'macintosh',
  'cp850',
  'utf-16le',
  'utf-16be',
] as const satisfies readonly FileForm['encoding'][];

interface Damage {
  readonly at: number;
  readonly byte: number;
  readonly kind: 'replaced' | 'inserted' | 'removed';
}
const damage: fc.Arbitrary<Damage> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  byte: fc.oneof(fc.integer({ min: 0x80, max: 0xff }), fc.integer({ min: 0, max: 0xff })),
  kind: fc.constantFrom('replaced', 'replaced', 'inserted', 'removed'),
});

/** A file of these texts in UTF-8 and single bytes. */
const bytesOf = (...parts: (string | number)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))));

/** The plans of the rows of a list, by the CPF. */
async function plans(bytes: Buffer): Promise<ReadonlyMap<string, RowPlan>> {
  const { shape, rows } = await readCsv(bytes);
  const found = new Map<string, RowPlan>();
  for (const { cells, fault } of rows) {
    if (fault !== undefined) continue;
    const outcome = mapRow(brazil, cellsByColumn(cells, shape.header), context);
    if (outcome.outcome === 'planned') found.set(outcome.plan.identities[0].value, outcome.plan);
  }
  return found;
}

/** Damages some bytes below the header. Returns the file and the numbers of the rows that were not touched. */
function damaged(lines: readonly Buffer[], faults: readonly Damage[], unit: number) {
  const [header = Buffer.alloc(0), ...rows] = lines;
  const touched = new Set<number>();
  const body = rows.map((row) => [...row]);
  for (const { at, byte, kind } of faults) {
    const number = Math.floor(at * rows.length);
    const row = body[number];
    if (row === undefined || row.length <= 2 * unit) continue;
    const place = Math.floor(((at * rows.length) % 1) * row.length);
    // The last character is the end of the line. If it is damaged, the next row becomes a part of this row.
    touched.add(number);
    if (place >= row.length - 2 * unit) touched.add(number + 1);
    if (unit > 1 || kind === 'replaced') row[place] = byte;
    else if (kind === 'inserted') row.splice(place, 0, byte);
    else row.splice(place, 1);
  }
  const whole = rows.map((_, number) => number).filter((number) => !touched.has(number));
  return { file: Buffer.concat([header, ...body.map((row) => Buffer.from(row))]), whole };
}

describe('a list with damaged bytes', () => {
  for (const encoding of encodings)
    it(`of ${encoding} gives the same resources for every undamaged row`, async () => {
      await fc.assert(
        fc.asyncProperty(
          list,
          fc.array(damage, { minLength: 1, maxLength: 4 }),
          fc.constantFrom(',' as const, ';' as const, '\t' as const),
          fc.constantFrom('\n' as const, '\r\n' as const),
          fc.boolean(),
          async (rows, faults, delimiter, newline, isPlain) => {
            const form = { encoding, delimiter, newline };
            const lines = [isPlain ? PLAIN : HEADER, ...rows].map((row) => encodeList([row], form));
            const unit = encoding.startsWith('utf-16') ? 2 : 1;
            const { file, whole } = damaged(lines, faults, unit);
            const before = await plans(Buffer.concat(lines));
            expect(before.size).toBe(rows.length);
            const after = await plans(file);
            for (const number of whole) {
              const key = rows[number]?.[1] ?? '';
              expect(after.get(key)).toEqual(before.get(key));
            }
          },
        ),
        { numRuns: longForm(200, 12) },
      );
    });

  it.each([
    [
      'one stray byte',
      bytesOf('Nome,CPF,Gênero\nJoão,1,F\nJos', 0xe9, ',2,M\nAna,3,F\n'),
      'utf-8',
      'damaged-utf-8',
    ],
    ['a letter cut at the end', bytesOf('Nome,CPF\nAna,1\nAna,2\nJo', 0xc3), 'utf-8', 'damaged-utf-8'],
    [
      'a byte that explains no letter',
      bytesOf('Nome,CPF\nAna,1\nSm', 0x9d, 'th,2\n'),
      'utf-8',
      'damaged-utf-8',
    ],
    [
      'one letter of windows-1252',
      bytesOf('Nome,CPF\nAna,1\nJos', 0xe9, ',2\n'),
      'windows-1252',
      'header-words',
    ],
  ])('with %s is read as expected', async (_, bytes, encoding, reason) => {
    const { shape } = await readCsv(bytes);
    expect([shape.encoding.encoding, shape.encoding.reason]).toEqual([encoding, reason]);
  });
});

describe('valid UTF-8', () => {
  it('is recognised as Node.js recognises it, whatever the chunks', () => {
    const byte = fc.oneof(
      fc.constantFrom(
        0x41,
        0x0a,
        0x80,
        0xbf,
        0xc2,
        0xc3,
        0xe0,
        0xed,
        0xef,
        0xf0,
        0xf4,
        0x9f,
        0xa0,
        0x90,
        0x8f,
      ),
      fc.integer({ min: 0, max: 255 }),
    );
    const part = fc.oneof(
      fc.array(byte, { maxLength: 5 }).map((bytes) => Buffer.from(bytes)),
      fc.string({ unit: 'binary', maxLength: 4 }).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 7 }),
        (parts, size) => {
          const bytes = Buffer.concat(parts);
          fc.pre(bytes.length > 0);
          const probe = new CsvProbe();
          for (let at = 0; at < bytes.length; at += size) probe.push(bytes.subarray(at, at + size));
          const { utf8, ascii } = probe.finish();
          expect(utf8).toBe(isUtf8(bytes));
          expect(ascii).toBe(bytes.every((one) => one < 0x80));
        },
      ),
      { numRuns: longForm(10_000, 1_000) },
    );
  });
});
