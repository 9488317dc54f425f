import { describe, expect, it } from 'vitest';
import { FORMS, patientFile } from '../../infra/demo/patients.file.ts';
import { patientRows } from '../../infra/demo/patients.list.ts';
import { cellsByColumn } from '../../src/csv/csv.reader.js';
import { mapRow } from '../../src/mapping/row.mapping.js';
import { readCsv, shipped } from '../csv/csv.reading.ts';
import { context } from './mapping.world.ts';

async function mapFile(bytes: Buffer, chunk?: number) {
  const { shape, rows } = await readCsv(bytes, chunk === undefined ? {} : { chunk });
  const document = shipped('brazil-hospital');
  return rows.map(({ cells }) => mapRow(document, cellsByColumn(cells, shape.header), context));
}

describe('the synthetic twin of the circulating file', () => {
  it('is like the original: 50 rows, 22 ambiguous dates, 39 empty notes, four names twice', () => {
    const rows = patientRows();
    const ambiguous = rows.filter(({ birthDate }) => {
      const [day, month] = birthDate.split('/');
      return Number(day) <= 12 && day !== month;
    });
    expect(rows).toHaveLength(50);
    expect(ambiguous).toHaveLength(22);
    expect(rows.filter(({ note }) => note === '')).toHaveLength(39);
    expect(new Set(rows.map(({ name }) => name)).size).toBe(46);
    expect(new Set(rows.map(({ cpf }) => cpf)).size).toBe(50);
  });

  it('gives 50 Patients, 11 Conditions, 4 Observations, 50 check-digit and 5 area-code warnings', async () => {
    const outcomes = await mapFile(patientFile());
    const plans = outcomes.flatMap((one) => (one.outcome === 'planned' ? [one.plan] : []));
    const codes = outcomes.flatMap(({ issues }) => issues.map(({ code }) => code));
    expect(plans).toHaveLength(50);
    expect(plans.flatMap(({ conditions }) => conditions)).toHaveLength(11);
    expect(plans.flatMap(({ observations }) => observations)).toHaveLength(4);
    expect(codes.filter((code) => code === 'cpf-check-digits')).toHaveLength(50);
    expect(codes.filter((code) => code === 'phone-area-code')).toHaveLength(5);
    expect(new Set(codes)).toEqual(new Set(['cpf-check-digits', 'phone-area-code', 'pregnancy-diabetes']));
  });

  it.each(Object.entries(FORMS))('gives the same resources from %s', async (_, form) => {
    const expected = await mapFile(patientFile());
    expect(await mapFile(patientFile(form))).toEqual(expected);
    expect(await mapFile(patientFile(form), 7)).toEqual(expected);
  });
});
