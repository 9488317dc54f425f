import { createHmac } from 'node:crypto';
import type { Observation } from '@medplum/fhirtypes';
import { describe, expect, it } from 'vitest';
import type { KnownResources } from '../../src/imports/writing/patient.matching.js';
import { decide, searchTokens } from '../../src/imports/writing/row.decision.js';
import { mergePlans } from '../../src/mapping/duplicates.js';
import { MappingDocument } from '../../src/mapping/mapping.document.js';
import type { MappingContext, RowPlan } from '../../src/mapping/row.plan.js';
import { mapRow } from '../../src/mapping/row.mapping.js';
import { shipped } from '../csv/csv.reading.ts';
import { context } from './mapping.world.ts';

const english = shipped('english-plain');
const ordered = MappingDocument.parse({
  ...english,
  columns: { ...english.columns, order: {} },
  observations: english.observations.map((rule) => ({ ...rule, order: { copy: 'order' } })),
});

function planOf(
  cells: Record<string, string>,
  document = english,
  more: Partial<MappingContext> = {},
): RowPlan {
  const row = { mrn: 'A-1', family_name: 'Example', ...cells };
  const outcome = mapRow(document, new Map(Object.entries(row)), { ...context, ...more });
  if (outcome.outcome === 'rejected') throw new Error(outcome.issues.map(({ code }) => code).join(' '));
  return outcome.plan;
}

const VERSION = { versionId: '1' };

/** The FHIR server after these results were written. */
function serverWith(...observations: readonly Observation[]): KnownResources {
  const stored = observations.map((one, at) => Object.assign({ ...one }, { id: `o${at}`, meta: VERSION }));
  const patient = { ...planOf({}).patient, id: 'p1', meta: VERSION };
  return {
    patients: [patient],
    records: new Map(stored.map((one) => [one.identifier?.[0]?.value ?? '', one])),
  };
}
const decided = (plan: RowPlan, known: KnownResources, corrections: 'reject' | 'amend' = 'reject') => {
  const { state, issues, writes } = decide({ row: 2, plan, issues: [] }, known, {
    policy: 'upsert',
    corrections,
  });
  return {
    state,
    codes: issues.map(({ code, column, severity }) => `${severity} ${code} ${column ?? ''}`),
    records: writes?.records.map(({ action }) => action) ?? [],
    written: writes?.records.flatMap((one) => (one.action === 'keep' ? [] : [one.resource])) ?? [],
  };
};
const keyOf = (plan: RowPlan) => plan.observations[0]?.identifier?.[0]?.value;

const morning = { weight_kg: '70', observed_on: '2026-01-02T08:00Z' };

describe('a result with a time', () => {
  it('is another result at another time of the day, and the same one in another zone', () => {
    const key = keyOf(planOf(morning));
    expect(keyOf(planOf({ ...morning, observed_on: '2026-01-02T20:00Z' }))).not.toBe(key);
    expect(keyOf(planOf({ ...morning, observed_on: '2026-01-02T05:00-03:00' }))).toBe(key);
    expect(keyOf(planOf({ ...morning, weight_kg: '71' }))).toBe(key);
  });

  it('that is on the server is not written again', () => {
    const plan = planOf(morning);
    expect(decided(plan, serverWith(...plan.observations))).toMatchObject({ state: 'unchanged', codes: [] });
  });

  it('with another value rejects the row, or is corrected when the upload says so', () => {
    const known = serverWith(...planOf(morning).observations);
    const plan = planOf({ ...morning, weight_kg: '71' });
    expect(decided(plan, known)).toMatchObject({
      state: 'rejected',
      codes: ['error result-conflict weight_kg'],
      records: [],
    });
    expect(decided(plan, known, 'amend')).toMatchObject({
      state: 'updated',
      codes: [],
      records: ['update'],
      written: [{ id: 'o0', status: 'corrected', valueQuantity: { value: 71 } }],
    });
  });

  it('has the number of its order in its identity', () => {
    const plan = planOf({ ...morning, order: '7' }, ordered);
    expect(keyOf(planOf({ ...morning, order: '8', weight_kg: '71' }, ordered))).not.toBe(keyOf(plan));
    // The list was imported before its mapping had the order.
    const earlier = serverWith(...planOf(morning).observations);
    expect(decided(plan, earlier)).toMatchObject({ state: 'unchanged', codes: [] });
    expect(decided(planOf({ ...morning, order: '8', weight_kg: '71' }, ordered), earlier)).toMatchObject({
      state: 'updated',
      records: ['create'],
    });
  });
});

it('a result whose zone became known later is not written again', () => {
  const zoned = MappingDocument.parse({ ...english, source: { ...english.source, zone: 'Europe/Lisbon' } });
  const local = { ...morning, observed_on: '2026-01-02 08:00' };
  const [before, after] = [planOf(local), planOf(local, zoned)];
  expect([before, after].map(({ observations }) => observations[0]?.effectiveDateTime)).toEqual([
    '2026-01-02',
    '2026-01-02T08:00:00+00:00',
  ]);
  expect(keyOf(after)).toBe(keyOf(planOf(morning)));
  expect(decided(after, serverWith(...before.observations))).toMatchObject({ state: 'unchanged', codes: [] });
});

describe('a result without a time', () => {
  const [first, later] = [
    planOf({ weight_kg: '70' }),
    planOf({ weight_kg: '71' }, english, { today: '2026-05-01' }),
  ];

  it('is a new result when it has another value, dated by its import', () => {
    const known = serverWith(...first.observations);
    for (const corrections of ['reject', 'amend'] as const)
      expect(decided(later, known, corrections)).toMatchObject({
        state: 'updated',
        codes: [],
        records: ['create'],
        written: [{ status: 'final', effectiveDateTime: '2026-05-01', valueQuantity: { value: 71 } }],
      });
    const both = serverWith(...first.observations, ...later.observations);
    expect(decided(first, both).state).toBe('unchanged');
    expect(decided(later, both).state).toBe('unchanged');
  });

  it('that an earlier version wrote is found by its earlier identifier', () => {
    const facts = JSON.stringify([first.patientKey, 'observation', '29463-7']);
    const value = createHmac('sha256', context.key).update(facts).digest('base64url');
    const [weight] = first.observations;
    const known = serverWith({ ...weight!, identifier: [{ system: 'urn:radgate:record-key', value }] });
    expect(searchTokens(first.observations, first).map((token) => token.value)).toContain(value);
    expect(decided(first, known)).toMatchObject({ state: 'unchanged', codes: [] });
    expect(decided(later, known)).toMatchObject({ state: 'updated', records: ['create'] });
  });

  it('keeps the identity of earlier versions where the day is known', () => {
    const dated = planOf({ weight_kg: '70', observed_on: '2026-01-02' });
    const facts = JSON.stringify([dated.patientKey, 'observation', '29463-7', '2026-01-02']);
    expect(keyOf(dated)).toBe(createHmac('sha256', context.key).update(facts).digest('base64url'));
  });
});

describe('merged rows', () => {
  it('keep all results, and none of two values at one time', () => {
    const evening = planOf({ ...morning, observed_on: '2026-01-02T20:00Z' });
    const other = planOf({ ...morning, weight_kg: '71', height_cm: '180' });
    const merged = [evening, other, planOf(morning)].reduce(mergePlans, planOf(morning));
    expect(merged.observations.map(({ code }) => code.coding?.[0]?.code)).toEqual(['29463-7', '8302-2']);
    expect(decided(merged, serverWith()).codes).toEqual(['warning result-conflict weight_kg']);
  });

  it('leave out only the result that has another value on the server', () => {
    const known = serverWith(...planOf(morning).observations);
    const merged = mergePlans(
      planOf({ ...morning, weight_kg: '71' }),
      planOf({ height_cm: '180', observed_on: '2026-01-02' }),
    );
    expect(decided(merged, known)).toMatchObject({
      state: 'updated',
      codes: ['warning result-conflict weight_kg'],
      records: ['create'],
    });
  });
});
