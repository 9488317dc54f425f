import { describe, expect, it } from 'vitest';
import { patientRows } from '../../infra/demo/patients.list.ts';
import type { CsvRow } from '../../src/csv/csv.reader.js';
import { ChunkPlans, packPlans, type StoredPlan } from '../../src/imports/writing/chunk.plans.js';
import { RowMapper } from '../../src/imports/writing/row.mapper.js';
import type { MappingContext } from '../../src/mapping/row.plan.js';
import { DIABETES, SNOMED } from '../../src/mapping/words/term.js';
import { CodeSession } from '../../src/terms/code.look.up.js';
import { shipped } from '../csv/csv.reading.ts';
import { context } from '../mapping/mapping.world.ts';

const COLUMNS = ['name', 'cpf', 'gender', 'birth_date', 'phone', 'birth_country', 'note'];
const header = {
  names: COLUMNS,
  places: new Map(COLUMNS.map((name, at) => [name, at])),
  ignored: [],
  report: false,
};
const document = shipped('brazil-hospital');

/**
 * A list of 130 rows, which are those of the sample list in turn. Every tenth row has an unknown word, and every thirteenth row has a date
 * that does not exist.
 */
const people = patientRows();
const rows: CsvRow[] = Array.from({ length: 130 }, (_, at) => {
  const person = people[at % people.length];
  if (person === undefined) throw new Error('the sample list is empty');
  const birth = at % 13 === 0 ? '31/02/1980' : person.birthDate;
  const note = at % 10 === 0 ? 'Palavra estranha' : person.note;
  const cells = [person.name, person.cpf, person.gender, birth, person.phone, person.country, note];
  return { row: at + 1, line: at + 2, cells };
});
const mapperWith = (more: Partial<MappingContext> = {}) =>
  new RowMapper(document, header, { ...context, ...more }, new CodeSession(async () => []));

const mapper = mapperWith();
const mapped = await Promise.all(rows.map((row) => mapper.map(row)));
const outcomes = mapped.map(({ outcome }) => outcome);
const planned = rows.flatMap((row, at): StoredPlan[] => {
  const { outcome, words } = mapped[at] ?? { outcome: { outcome: 'rejected' }, words: [] };
  return outcome.outcome === 'planned'
    ? [{ row: row.row, plan: outcome.plan, issues: outcome.issues, words }]
    : [];
});
const packed = packPlans(planned);

describe('plans that are stored with a chunk', () => {
  it('are what mapping the rows again would give', async () => {
    expect(planned.length).toBe(120);
    const plans = new ChunkPlans(packed);
    for (const { row, plan, issues } of planned)
      expect(plans.planOf(row, context.lookUp)).toStrictEqual({ row, plan, issues });
    expect(await Promise.all(rows.map((row) => mapper.outcomeOf(row, plans)))).toStrictEqual(outcomes);
  });

  it('are found in any order; a rejected row has none', () => {
    const plans = new ChunkPlans(packed);
    expect(plans.planOf(129, context.lookUp)?.row).toBe(129);
    expect(plans.planOf(2, context.lookUp)?.row).toBe(2);
    expect(plans.planOf(1, context.lookUp)).toBeUndefined();
    expect(plans.planOf(9_999, context.lookUp)).toBeUndefined();
  });

  it('hold until a word of the row is decided', async () => {
    const target = { kind: 'condition', coding: { system: SNOMED, code: DIABETES } } as const;
    const decided: MappingContext['lookUp'] = (question) =>
      question.text === 'Palavra estranha'
        ? { outcome: 'mapped', target, source: 'decision' }
        : context.lookUp(question);
    const plans = new ChunkPlans(packed);
    expect(plans.planOf(11, decided)).toBeUndefined();
    expect(plans.planOf(12, decided)?.row).toBe(12);
    const again = mapperWith({ lookUp: decided });
    const renewed = await Promise.all(rows.map((row) => again.map(row)));
    expect(await Promise.all(rows.map((row) => again.outcomeOf(row, plans)))).toStrictEqual(
      renewed.map(({ outcome }) => outcome),
    );
  });

  it('are not read in another format, and none are stored for a chunk without plans', () => {
    const other = Buffer.from(packed.toString('latin1').replace(/"format":\d/, '"format":0'), 'latin1');
    for (const plans of [new ChunkPlans(other), new ChunkPlans(packPlans([])), new ChunkPlans()])
      expect(plans.planOf(2, context.lookUp)).toBeUndefined();
  });
});
