import { describe, expect, it } from 'vitest';
import type { Encounter } from '@medplum/fhirtypes';
import { activeWrites, decide } from '../../src/imports/writing/row.decision.js';
import { mergePlans } from '../../src/mapping/duplicates.js';
import { MappingDocument } from '../../src/mapping/mapping.document.js';
import { mergeFurther } from '../../src/mapping/owned.merge.js';
import {
  type PatientRecord,
  recordKey,
  recordsOf,
  recordUrl,
  visitReference,
} from '../../src/mapping/records/record.kinds.js';
import { mapRow } from '../../src/mapping/row.mapping.js';
import type { RowPlan } from '../../src/mapping/row.plan.js';
import { separatePlan } from '../../src/mapping/separation.js';
import { buildTransaction } from '../../src/mapping/transaction.bundle.js';
import { shipped } from '../csv/csv.reading.ts';
import { context } from './mapping.world.ts';
import { RECORD_RULES } from './record.rules.ts';

const english = shipped('english-plain');
const added = [
  'visit',
  'admitted',
  'discharged',
  'kind',
  'reason',
  'allergies',
  'drugs',
  'surgery',
  'surgery_date',
  'glucose',
  'taken',
  'sample',
  'material',
];
const dates = { type: 'date', formats: ['yyyy-MM-dd'] };
const document = MappingDocument.parse({
  ...english,
  source: { ...english.source, zone: 'America/Sao_Paulo' },
  columns: {
    ...english.columns,
    ...Object.fromEntries(added.map((name) => [name, {}])),
    ...Object.fromEntries(['admitted', 'discharged', 'surgery_date', 'taken'].map((name) => [name, dates])),
  },
  ...RECORD_RULES,
  visit: { ...RECORD_RULES.visit, reason: { copy: 'reason' } },
  observations: [
    {
      name: 'glucose',
      kind: 'quantity',
      category: 'laboratory',
      code: { system: 'http://loinc.org', code: '2345-7' },
      value: { copy: 'glucose' },
      date: { copy: 'taken' },
      specimen: { number: { copy: 'sample' }, type: { copy: 'material' } },
      quantity: { unit: 'mg/dL', ucum: 'mg/dL' },
    },
  ],
});

function planOf(cells: Record<string, string>): { plan: RowPlan; codes: string[] } {
  const row = new Map(Object.entries({ mrn: 'A-1', family_name: 'Example', ...cells }));
  const { issues, ...outcome } = mapRow(document, row, context);
  if (outcome.outcome === 'rejected') throw new Error(issues.map(({ code }) => code).join(' '));
  return { plan: outcome.plan, codes: issues.map(({ code }) => code) };
}
const visitOf = (cells: Record<string, string>) => {
  const { plan, codes } = planOf(cells);
  return { visit: plan.further?.find((one): one is Encounter => one.resourceType === 'Encounter'), codes };
};
const stored = <Kind extends PatientRecord>(record: Kind, id: string) =>
  Object.assign({ ...record }, { id, meta: { versionId: '1' } });

describe('the visit of a row', () => {
  it.each([
    [
      { visit: '7', admitted: '2026-01-02', discharged: '2026-01-05', kind: 'IMP' },
      'finished IMP 2026-01-02 2026-01-05',
      [],
    ],
    [{ visit: '7' }, 'unknown UNK - -', []],
    [{ visit: '7', kind: 'Internação' }, 'unknown IMP - -', []],
    [{ admitted: '2026-01-02 08:00', kind: 'Urgência' }, 'unknown EMER 2026-01-02T08:00:00-03:00 -', []],
    [
      { visit: '7', discharged: '2026-01-05', kind: 'Ward 7' },
      'finished UNK - 2026-01-05',
      ['visit-class-unknown'],
    ],
    // A date and a time on this date cannot be compared.
    [
      { admitted: '2026-01-02 08:00', discharged: '2026-01-02' },
      'finished UNK 2026-01-02T08:00:00-03:00 -',
      [],
    ],
    [
      { admitted: '2026-01-02 08:00', discharged: '2026-01-03' },
      'finished UNK 2026-01-02T08:00:00-03:00 2026-01-03',
      [],
    ],
    [{ admitted: '2026-01-05', discharged: '2026-01-02' }, 'finished UNK 2026-01-05 -', ['visit-dates']],
    [{ visit: '7', admitted: '31/12/2025' }, 'unknown UNK - -', ['date-invalid']],
    [{ admitted: '2027-01-02' }, undefined, ['date-future']],
    [{ discharged: '2026-01-02' }, undefined, ['visit-incomplete']],
    [{ kind: 'IMP', reason: 'Pain' }, undefined, []],
  ])('of %j is %s', (cells, expected, codes) => {
    const { visit, codes: found } = visitOf(cells);
    const shown =
      visit &&
      [visit.status, visit.class.code, visit.period?.start ?? '-', visit.period?.end ?? '-'].join(' ');
    expect({ shown, found }).toEqual({ shown: expected, found: codes });
  });

  it.each([
    [
      'a later end',
      { visit: '7', admitted: '2026-01-02' },
      { visit: '7', admitted: '2026-01-02', discharged: '2026-01-05' },
      true,
    ],
    [
      'a corrected start',
      { visit: '7', admitted: '2026-01-02' },
      { visit: '7', admitted: '2026-01-03' },
      true,
    ],
    [
      'a later end without a number',
      { admitted: '2026-01-02' },
      { admitted: '2026-01-02', discharged: '2026-01-05' },
      true,
    ],
    ['another number', { visit: '7' }, { visit: '8' }, false],
    ['another start without a number', { admitted: '2026-01-02' }, { admitted: '2026-01-03' }, false],
  ])('with %s is the same visit: %s', (_, one, other, isSame) => {
    const keys = [one, other].map((cells) => visitOf(cells).visit?.identifier?.[0]?.value);
    expect(keys[0] === keys[1]).toBe(isSame);
  });

  it('is the visit of the other records, also if the server has it already', () => {
    const { plan } = planOf({
      visit: '7',
      conditions: 'Asthma',
      glucose: '90',
      allergies: 'Latex',
      drugs: 'Aspirin',
      surgery: 'Appendectomy',
    });
    const [visit, ...others] = recordsOf(plan).sort((one) => (one.resourceType === 'Encounter' ? -1 : 1));
    if (visit?.resourceType !== 'Encounter') throw new Error('no visit');
    const url = recordUrl(recordKey(visit));
    expect(others.map(visitReference)).toEqual(others.map(() => url));
    expect(others).toHaveLength(5);
    const sent = (known: Map<string, ReturnType<typeof stored>>) => {
      const { writes } = decide(
        { row: 2, plan, issues: [] },
        { patients: [], records: known },
        { policy: 'upsert', corrections: 'reject' },
      );
      if (writes === undefined) throw new Error('nothing to write');
      return buildTransaction([writes]).bundle.entry ?? [];
    };
    expect(sent(new Map()).find((one) => one.fullUrl === url)?.resource?.resourceType).toBe('Encounter');
    const again = JSON.stringify(sent(new Map([[recordKey(visit), stored(visit, 'e1')]])));
    expect(again).toContain('"reference":"Encounter/e1"');
    expect(again).not.toContain(url);
  });

  it('gets its end from a later list, and keeps what people have changed', () => {
    const open = visitOf({ visit: '7', admitted: '2026-01-02', kind: 'IMP', reason: 'Pain' }).visit;
    const closed = visitOf({ visit: '7', admitted: '2026-01-02', discharged: '2026-01-05' }).visit;
    if (open === undefined || closed === undefined) throw new Error('no visit');
    const { resource, changes } = mergeFurther(open, closed);
    expect(resource).toMatchObject({
      status: 'finished',
      class: { code: 'IMP' },
      period: { end: '2026-01-05' },
    });
    expect(changes.map(({ element }) => element)).toEqual(['status', 'period']);
    expect(mergeFurther(resource, open).changes).toEqual([]);
    const cancelled = { ...open, status: 'cancelled' as const };
    expect(mergeFurther(cancelled, closed).resource).toMatchObject({ status: 'cancelled' });
  });
});

const statementsOf = (cells: Record<string, string>) => {
  const { plan, codes } = planOf(cells);
  return {
    codes,
    texts: (plan.further ?? []).map((one) =>
      one.resourceType === 'MedicationStatement'
        ? `${one.medicationCodeableConcept?.text} ${one.status} ${one.effectiveDateTime ?? '-'}`
        : one.resourceType === 'AllergyIntolerance'
          ? `${one.code?.text} ${one.verificationStatus?.coding?.[0]?.code}`
          : one.resourceType === 'Procedure'
            ? `${one.code?.text} ${one.status} ${one.performedDateTime ?? '-'}`
            : one.resourceType,
    ),
  };
};

describe('statements that are kept as text', () => {
  it.each([
    [{ allergies: 'Latex; Penicillin (rash)' }, ['Latex unconfirmed', 'Penicillin (rash) unconfirmed'], []],
    [{ allergies: 'latex; LATEX' }, ['latex unconfirmed'], []],
    [{ drugs: 'Metformin 500 mg 2x/day' }, ['Metformin 500 mg 2x/day unknown -'], []],
    [{ surgery: 'Appendectomy' }, ['Appendectomy unknown -'], []],
    [{ surgery: 'Appendectomy', surgery_date: '2019-05-06' }, ['Appendectomy completed 2019-05-06'], []],
    [{ surgery_date: '2019-05-06' }, [], []],
    [
      { allergies: 'Non-steroidal anti-inflammatory drugs' },
      ['Non-steroidal anti-inflammatory drugs unconfirmed'],
      [],
    ],
    ...['NKDA', 'none', 'Nega alergias.', 'Nenhuma', 'No known drug allergies', 'niega', 'N/A', '-'].map(
      (text): [Record<string, string>, string[], string[]] => [
        { allergies: text, drugs: text },
        [],
        ['text-none', 'text-none'],
      ],
    ),
    ...[
      'no penicillin allergy',
      'nega dipirona',
      'sem alergia a latex',
      'mãe alérgica',
      'Latex?',
      'denies latex',
    ].map((text): [Record<string, string>, string[], string[]] => [
      { allergies: `${text}; Pollen` },
      ['Pollen unconfirmed'],
      ['text-negated'],
    ]),
    ...['x', 'Yes', 'Sim.', '1', '✓'].map((text): [Record<string, string>, string[], string[]] => [
      { allergies: text, drugs: 'Vitamin D; B12' },
      ['Vitamin D unknown -', 'B12 unknown -'],
      ['text-unclear'],
    ]),
  ])('of %j are %j', (cells, texts, codes) => {
    expect(statementsOf(cells)).toEqual({ texts, codes });
  });
});

const resultKeyOf = (cells: Record<string, string>) => {
  const [observation] = planOf({ glucose: '90', taken: '2026-01-02', ...cells }).plan.observations;
  return observation === undefined ? '' : recordKey(observation);
};

const undatedResult = (cells: Record<string, string>) => {
  const { plan } = planOf({ glucose: '90', ...cells });
  return Object.values(plan.results)[0];
};

describe('the specimen of a result', () => {
  it('is contained in the result', () => {
    const [observation] = planOf({ glucose: '90', sample: 'S-1', material: 'Blood' }).plan.observations;
    expect(observation).toMatchObject({
      contained: [
        {
          resourceType: 'Specimen',
          id: 'specimen',
          accessionIdentifier: { value: 'S-1' },
          type: { text: 'Blood' },
        },
      ],
      specimen: { reference: '#specimen' },
    });
  });

  it('is part of the identity of the result', () => {
    const keys = [{}, { sample: 'S-1' }, { sample: 'S-2' }, { material: 'Blood' }, { material: 'Urine' }].map(
      resultKeyOf,
    );
    expect(new Set(keys).size).toBe(keys.length);
    expect(resultKeyOf({ sample: 'S-1', material: 'Blood' })).toBe(resultKeyOf({ sample: 'S-1' }));
    expect(resultKeyOf({ material: 'blood' })).toBe(resultKeyOf({ material: 'Blood' }));
  });

  it('finds a result that was written before the mapping had it', () => {
    const [before] = planOf({ glucose: '90', taken: '2026-01-02' }).plan.observations;
    const { plan } = planOf({ glucose: '90', taken: '2026-01-02', sample: 'S-1' });
    if (before === undefined) throw new Error('no result');
    const patient = { ...plan.patient, id: 'p1', meta: { versionId: '1' } };
    const known = { patients: [patient], records: new Map([[recordKey(before), stored(before, 'o1')]]) };
    expect(
      decide({ row: 2, plan, issues: [] }, known, { policy: 'upsert', corrections: 'reject' }).state,
    ).toBe('unchanged');
  });

  it('distinguishes results without a time', () => {
    expect(undatedResult({ material: 'Blood' })).toMatchObject({ undated: true });
    expect(undatedResult({ sample: 'S-1' })).not.toHaveProperty('undated');
  });
});

const whole = {
  visit: '7',
  admitted: '2026-01-02',
  conditions: 'Asthma',
  glucose: '90',
  sample: 'S-1',
  allergies: 'Latex',
  drugs: 'Aspirin',
  surgery: 'Appendectomy',
};

describe('all kinds of records', () => {
  it('sent again are unchanged', () => {
    const { plan } = planOf(whole);
    const records = new Map(recordsOf(plan).map((one, at) => [recordKey(one), stored(one, `r${at}`)]));
    expect(records.size).toBe(6);
    const patient = { ...plan.patient, id: 'p1', meta: { versionId: '1' } };
    const { state, writes } = decide(
      { row: 2, plan, issues: [] },
      { patients: [patient], records },
      { policy: 'upsert', corrections: 'reject' },
    );
    expect(state).toBe('unchanged');
    expect(writes).toBeUndefined();
  });

  it('of another person have other identifiers, and refer to the visit of that person', () => {
    const { plan } = planOf(whole);
    const other = separatePlan(plan, plan.identityKeys, context.key);
    const keys = new Set(recordsOf(plan).map(recordKey));
    expect(
      recordsOf(other)
        .map(recordKey)
        .filter((key) => keys.has(key)),
    ).toEqual([]);
    expect(separatePlan(plan, plan.identityKeys, context.key)).toEqual(other);
    const text = JSON.stringify(other);
    for (const one of recordsOf(plan)) expect(text).not.toContain(recordUrl(recordKey(one)));
    const visit = other.further?.find((one) => one.resourceType === 'Encounter');
    if (visit === undefined) throw new Error('no visit');
    expect(other.conditions.map(visitReference)).toEqual([recordUrl(recordKey(visit))]);
    expect(visit.identifier?.[1]).toEqual({ system: 'urn:test:visits', value: '7' });
  });

  it('of two rows of one patient are merged, each visit once', () => {
    const [one, same, next] = [whole, whole, { ...whole, visit: '8' }].map((cells) => planOf(cells).plan);
    if (one === undefined || same === undefined || next === undefined) throw new Error('no plan');
    expect(mergePlans(one, same).further).toEqual(one.further);
    const merged = mergePlans(one, next);
    expect(merged.further?.filter(({ resourceType }) => resourceType === 'Encounter')).toHaveLength(2);
    const { writes } = decide(
      { row: 2, plan: merged, issues: [] },
      { patients: [], records: new Map() },
      { policy: 'upsert', corrections: 'reject' },
    );
    expect(writes === undefined ? 0 : activeWrites(writes).length).toBe(8);
  });
});

it('a visit without a number and a start, and an unknown column of a visit, are refused', () => {
  expect(MappingDocument.safeParse({ ...document, visit: { class: { const: 'IMP' } } }).success).toBe(false);
  const unknown = MappingDocument.safeParse({ ...document, visit: { number: { copy: 'nowhere' } } });
  expect(unknown.error?.issues.map(({ path }) => path.join('.'))).toContain('visit.number.copy');
});
