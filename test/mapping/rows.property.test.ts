import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mapRow } from '../../src/mapping/row.mapping.js';
import { shipped } from '../csv/csv.reading.ts';
import { context } from './mapping.world.ts';
import { longForm } from '../support/long.form.ts';

const MARK = 'zqj';
/** Arbitrary cells, and almost valid cells that contain a canary. */
const cell = fc.oneof(
  fc.constantFrom(
    '',
    '529.982.247-25',
    '111.111.111-11',
    '03/04/1980',
    '31/02/1980',
    'Feminino',
    'Masculino',
    'Gestante|Diabético',
    '(20) 3456-7890',
    '72.5',
    '1E+9',
    '=1',
  ),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ maxLength: 10 }).map((text) => `${MARK}${text}`),
);

describe.each(['brazil-hospital', 'english-plain'])('any row, mapped by %s', (name) => {
  const document = shipped(name);
  const columns = Object.keys(document.columns);
  const row = fc
    .array(cell, { minLength: columns.length, maxLength: columns.length })
    .map((cells) => new Map(columns.map((column, at) => [column, cells[at] ?? ''])));

  it('is planned or rejected for a reason, always in the same way, and no issue holds anything of it', () => {
    let planned = 0;
    fc.assert(
      fc.property(row, (cells) => {
        const outcome = mapRow(document, cells, context);
        const errors = outcome.issues.filter(({ severity }) => severity === 'error');
        expect(outcome.outcome === 'rejected').toBe(errors.length > 0);
        expect(mapRow(document, new Map([...cells].reverse()), context)).toEqual(outcome);
        expect(JSON.stringify(outcome.issues)).not.toContain(MARK);
        if (outcome.outcome === 'planned') planned += 1;
      }),
      {
        numRuns: longForm(300, 60),
        examples: [[new Map(columns.map((column) => [column, good[column] ?? '']))]],
      },
    );
    expect(planned).toBeGreaterThan(0);
  });
});

const good: Readonly<Record<string, string>> = {
  name: 'Ana Souza',
  cpf: '529.982.247-25',
  mrn: 'A-1',
  family_name: 'Example',
};
