import { describe, expect, it } from 'vitest';
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
