import { describe, expect, it } from 'vitest';
import { decide } from '../../src/imports/writing/row.decision.js';
import { MappingDocument } from '../../src/mapping/mapping.document.js';
import { mapRow } from '../../src/mapping/row.mapping.js';
import type { RowPlan } from '../../src/mapping/row.plan.js';
import { icdCode } from '../../src/mapping/values/icd.js';
import { shipped } from '../csv/csv.reading.ts';
import { context } from './mapping.world.ts';

const english = shipped('english-plain');
const ICD = 'http://hl7.org/fhir/sid/icd-10';
const coded = MappingDocument.parse({
  ...english,
  columns: { ...english.columns, icd: { type: 'list' } },
  words: [{ ...english.words[0], codes: { split: 'icd', by: ['|', ';'], system: ICD } }],
});

function planOf(cells: Record<string, string>): { plan: RowPlan; codes: string[] } {
  const row = new Map(Object.entries({ mrn: 'A-1', family_name: 'Example', ...cells }));
  const { issues, ...outcome } = mapRow(coded, row, context);
  if (outcome.outcome === 'rejected') throw new Error(issues.map(({ code }) => code).join(' '));
  return { plan: outcome.plan, codes: issues.map(({ code }) => code) };
}
const shown = (cells: Record<string, string>) => {
  const { plan, codes } = planOf(cells);
  const conditions = plan.conditions.map(({ code }) =>
    [...(code?.coding?.map((one) => one.code) ?? []), code?.text].join(' '),
  );
  return { conditions, waiting: plan.waiting.map(({ text }) => text), codes };
};

it.each([
  ['E11.9', 'E11.9'],
  ['e119', 'E11.9'],
  ['I10', 'I10'],
  ['S72.001A', 'S72.001A'],
  ['G63.2*', 'G63.2'],
  ['diabetes', undefined],
  ['73211009', undefined],
  ['E1', undefined],
])('the ICD-10 code of %s is %s', (text, code) => {
  expect(icdCode(text)).toBe(code);
});

describe('the ICD-10 codes of a list', () => {
  it.each([
    [{ conditions: 'Asthma', icd: 'J45.9' }, ['195967001 J45.9 Asthma'], [], []],
    [{ conditions: 'Odd word', icd: 'J459' }, ['J45.9 Odd word'], [], []],
    [{ icd: 'E11.9; I10' }, ['E11.9 E11.9', 'I10 I10'], [], []],
    [{ conditions: 'Asthma;', icd: 'J45.9;I10' }, ['195967001 J45.9 Asthma', 'I10 I10'], [], []],
    [{ conditions: 'no asthma', icd: 'J45.9' }, [], ['no asthma'], ['term-ambiguous']],
    [{ conditions: 'Asthma', icd: 'J' }, ['195967001 Asthma'], [], ['icd-code-invalid']],
    [{ conditions: 'Odd word', icd: 'J' }, [], ['Odd word'], ['icd-code-invalid', 'term-unmapped']],
  ])('in %j are codings of Conditions', (cells, conditions, waiting, codes) => {
    expect(shown(cells)).toEqual({ conditions, waiting, codes });
  });

  it('give no second Condition when the word becomes known later', () => {
    const before = planOf({ conditions: 'Odd word', icd: 'J45.9' }).plan.conditions.map((one) =>
      Object.assign({ ...one }, { id: 'c1', meta: { versionId: '1' } }),
    );
    const { plan } = planOf({ conditions: 'Asthma', icd: 'J45.9' });
    const patient = { ...plan.patient, id: 'p1', meta: { versionId: '1' } };
    const known = {
      patients: [patient],
      records: new Map(before.map((one) => [one.identifier?.[0]?.value ?? '', one])),
    };
    const options = { policy: 'upsert', corrections: 'reject' } as const;
    expect(decide({ row: 2, plan, issues: [] }, known, options).state).toBe('unchanged');
  });
});
