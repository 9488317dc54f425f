import { describe, expect, it } from 'vitest';
import { SHIPPED_MAPPINGS } from '../../src/mapping/defaults.js';
import { NewMappingDocument } from '../../src/mapping/mapping.checks.js';
import { MappingDocument, documentHash } from '../../src/mapping/mapping.document.js';
import { shipped } from '../csv/csv.reading.ts';

const brazil = shipped('brazil-hospital');
const faults = (change: object) =>
  MappingDocument.safeParse({ ...brazil, ...change }).error?.issues.map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  );

describe('a mapping document', () => {
  it('is known by its content, whatever the order', () => {
    const turned = Object.fromEntries(Object.entries(brazil).reverse());
    expect(documentHash(MappingDocument.parse(turned))).toBe(documentHash(brazil));
    expect(documentHash({ ...brazil, version: 2 })).not.toBe(documentHash(brazil));
  });

  it('names only columns and tables that it declares', () => {
    expect(faults({ patient: { name: { text: { copy: 'nome' } } } })).toEqual([
      'patient.name.text.copy: The column nome is not declared.',
    ]);
    expect(faults({ patient: { name: { text: { template: '{name} {other}' } } } })).toEqual([
      'patient.name.text.template: The column other is not declared.',
    ]);
    expect(faults({ tables: {} })).toEqual(['patient.gender.table: The table gender is not declared.']);
    expect(faults({ identifiers: [{ ...brazil.identifiers[0], column: 'rg' }] })).toEqual([
      'identifiers.0.column: The column rg is not declared.',
    ]);
  });

  it('contains no unknown member and no code', () => {
    expect(faults({ script: 'x' })?.[0]).toMatch(/Unrecognized key/);
    expect(faults({ patient: { name: { text: { code: 'x' } } } })).toHaveLength(1);
  });
});

describe('an observation rule', () => {
  const english = shipped('english-plain');
  const [weight] = english.observations;
  const messages = (change: object, columns: object = {}) =>
    NewMappingDocument.safeParse({
      ...english,
      columns: { ...english.columns, ...columns },
      observations: [{ ...weight, ...change }],
    }).error?.issues.map(({ path, message }) => `${path.slice(2).join('.')}: ${message}`);
  const quantity = { unit: 'kg', ucum: 'kg' };

  it.each([
    [{ code: { system: 'loinc', code: '29463-7' } }, /^code.system: The code system is not a URI/],
    [{ code: { system: 'http://loinc.org', code: '29463-8' } }, /^code.code: The code is not a LOINC code/],
    [{ quantity: { ...quantity, ucum: 'kilos' } }, /^quantity.ucum: The unit is not a code of UCUM/],
    [{ quantity: { ...quantity, ucum: 'mmHg' } }, /^quantity.ucum: The unit is not a code of UCUM/],
    [{ quantity: { ...quantity, possible: [650, 0.2] } }, /^quantity.possible: The range is inverted/],
    [{ quantity: { ...quantity, usual: [250, 2] } }, /^quantity.usual: The range is inverted/],
    [
      { quantity: { ...quantity, possible: [2, 250], usual: [1, 300] } },
      /^quantity.usual: The usual range is/,
    ],
  ])('is invalid with %j', (change, message) => {
    expect(messages(change)?.join('\n')).toMatch(message);
  });

  it('is read although it is invalid, if an earlier version stored it', () => {
    const observations = [
      {
        ...weight,
        code: { system: 'loinc', code: 'x' },
        quantity: { unit: 'kilo', ucum: 'kilos', possible: [2, 1] },
      },
    ];
    expect(MappingDocument.safeParse({ ...english, observations }).success).toBe(true);
  });

  it('of a shipped mapping is valid', () => {
    for (const document of SHIPPED_MAPPINGS)
      expect(NewMappingDocument.safeParse(document).error?.issues).toBeUndefined();
  });

  it('needs no ranges', () => {
    expect(messages({ quantity })).toBeUndefined();
  });

  it('is invalid with a year of two digits without a pivot, or an unknown time zone', () => {
    const short = { birth_date: { type: 'date', formats: ['dd/MM/yy'] } };
    expect(messages({}, short)).toEqual(['pivot: A format with a year of two digits needs a pivot.']);
    expect(messages({}, { birth_date: { ...short.birth_date, pivot: 30 } })).toBeUndefined();
    const source = { ...english.source, zone: 'Sao Paulo' };
    expect(MappingDocument.safeParse({ ...english, source }).error?.issues[0]?.message).toMatch(/time zone/);
  });
});
