import * as fc from 'fast-check';
import type { Patient } from '@medplum/fhirtypes';
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/imports/writing/row.decision.js';
import { isIdentityOf, tokensOf } from '../../src/imports/writing/patient.matching.js';
import type { Stored } from '../../src/fhir/fhir.resources.js';
import { mapRow } from '../../src/mapping/row.mapping.js';
import type { RowPlan } from '../../src/mapping/row.plan.js';
import { facilityOfIssuer } from '../../src/mapping/values/facility.js';
import {
  isPlaceholder,
  PLACEHOLDERS,
  readNationalNumber,
  readRecordNumber,
} from '../../src/mapping/values/record.number.js';
import { shipped } from '../csv/csv.reading.ts';
import { context } from './mapping.world.ts';

const english = shipped('english-plain');
const CELLS = {
  mrn: '1',
  family_name: 'Smith',
  given_name: 'John',
  birth_date: '1950-01-01',
  sex: 'M',
  conditions: 'Diabetes',
  weight_kg: '70',
  observed_on: '2026-01-05',
};
const outcomeOf = (more: object, facility?: string) =>
  mapRow(english, new Map(Object.entries({ ...CELLS, ...more })), {
    ...context,
    ...(facility === undefined ? {} : { facility }),
  });
function planOf(more: object = {}, facility?: string): RowPlan {
  const outcome = outcomeOf(more, facility);
  if (outcome.outcome === 'rejected') throw new Error(JSON.stringify(outcome.issues));
  return outcome.plan;
}

/** The server after a plan was written as it is. */
function serverWith(plan: RowPlan, id = 'p1') {
  const patient: Stored<Patient> = { ...plan.patient, id, meta: { versionId: '1' } };
  const records = [...plan.conditions, ...plan.observations].map((record, at) => {
    const stored = { ...record, id: `${id}-${at}`, meta: { versionId: '1' } };
    return [
      record.identifier?.[0]?.value ?? '',
      { ...stored, subject: { reference: `Patient/${id}` } },
    ] as const;
  });
  return { patients: [patient], records: new Map(records) };
}
const decided = (plan: RowPlan, known: ReturnType<typeof serverWith>) =>
  decide({ row: 1, plan, issues: [] }, known, { policy: 'upsert', corrections: 'reject' });

describe('a record number', () => {
  it.each([
    ['123', '123'],
    ['00123', '00123'],
    ['="00123"', '00123'],
    ['123.0', '123'],
    ['123.000', '123'],
    [' \u00A0123\u200B', '123'],
    ['A-1.0', 'A-1.0'],
    ['1.5', '1.5'],
  ])('%s is %s', (cell, value) => {
    expect(planOf({ mrn: cell }).patient.identifier?.[0]?.value).toBe(value);
  });

  it.each([...PLACEHOLDERS, 'n/a', 'Unknown', ' none ', '0000', '--', '—', '???'])(
    '%s is a placeholder and no identifier',
    (cell) => {
      const { outcome, issues } = outcomeOf({ mrn: cell });
      expect(outcome).toBe('rejected');
      expect(issues.map(({ code }) => code)).toEqual(['identifier-placeholder', 'identifier-missing']);
    },
  );

  it('is read the same way twice, and digits other than zeros are never a placeholder', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^0{0,3}[1-9]\d{0,8}(\.0{1,2})?$/), (text) => {
        const { value = '' } = readRecordNumber(text, 'mrn');
        expect(readRecordNumber(value, 'mrn')).toEqual({ value, issues: [] });
        expect(isPlaceholder(text, PLACEHOLDERS)).toBe(false);
      }),
    );
  });
});

describe('a national number', () => {
  it.each([
    ['943 476 5919', '9434765919'],
    ['943-476-5919', '9434765919'],
    ['9434765919.0', '9434765919'],
    ['1 85 05 78 006 084 91', '185057800608491'],
    ['a123456780', 'A123456780'],
    ['12345678-z', '12345678Z'],
    ['9434765919', '9434765919'],
  ])('%s is %s', (text, value) => {
    const { former, ...read } = readNationalNumber(text, 'number');
    expect(read).toEqual({ value, issues: [] });
    expect(former).toBe(text === value ? undefined : text);
  });

  it('of separators alone is no number', () => {
    expect(readNationalNumber('- . /', 'number').value).toBeUndefined();
  });
});

describe('an identifier system', () => {
  it.each([
    [undefined, 'urn:radgate:mrn'],
    ['urn:clinic:north', 'urn:clinic:north:mrn'],
    ['urn:oid:1.2.3', 'urn:oid:1.2.3:mrn'],
    ['https://north.example/fhir/', 'https://north.example/fhir/mrn'],
    [facilityOfIssuer('North Clinic'), 'urn:radgate:facility:North%20Clinic:mrn'],
    [facilityOfIssuer('urn:clinic:north'), 'urn:clinic:north:mrn'],
  ])('names the facility %s', (facility, system) => {
    expect(planOf({}, facility).patient.identifier?.[0]?.system).toBe(system);
  });

  it('that is unique everywhere names no facility', () => {
    const own = {
      ...english,
      identifiers: english.identifiers.map((rule) =>
        Object.assign({}, rule, { system: 'https://hospital.example/mrn' }),
      ),
    };
    const { outcome, ...mapped } = mapRow(own, new Map(Object.entries(CELLS)), {
      ...context,
      facility: 'urn:clinic:north',
    });
    expect(outcome).toBe('planned');
    expect(JSON.stringify(mapped)).not.toContain('urn:clinic:north');
  });

  it('keeps the number 1 of two facilities apart, records included', () => {
    const [north, south] = [planOf({}, 'urn:clinic:north'), planOf({}, 'urn:clinic:south')];
    const server = serverWith(north);
    expect(decided(north, server)).toMatchObject({ state: 'unchanged' });
    expect(decided(south, server)).toMatchObject({ state: 'created' });
    expect(south.identityKeys).not.toEqual(north.identityKeys);
  });
});

describe('what an earlier version wrote', () => {
  it.each<[string, { mrn?: string }, string | undefined]>([
    ['the system without the facility', {}, 'urn:clinic:north'],
    ['a number with a decimal part', { mrn: '1.0' }, undefined],
    ['both', { mrn: '1.0' }, 'urn:clinic:north'],
  ])('is found by %s, and no record is written again', (_, cells, facility) => {
    const earlier = planOf();
    const number = cells.mrn ?? '1';
    const written = {
      ...earlier,
      patient: { ...earlier.patient, identifier: [{ system: 'urn:radgate:mrn', value: number }] },
    };
    const plan = planOf(cells, facility);
    expect(tokensOf(plan)).toContainEqual({ system: 'urn:radgate:mrn', value: number });
    // Earlier versions computed the identifiers of the records from the number as it was written.
    const server = serverWith(number === '1' ? written : { ...written, conditions: [], observations: [] });
    const { state, writes } = decided(plan, server);
    expect(state).toBe('updated');
    expect(writes?.patient.action).toBe('update');
    if (number === '1') expect(writes?.records.map(({ action }) => action)).toEqual(['keep', 'keep']);
  });

  it('belongs to the first facility that sends it again', () => {
    const [north, south] = [planOf({}, 'urn:clinic:north'), planOf({}, 'urn:clinic:south')];
    const { writes } = decided(north, serverWith(planOf()));
    if (writes?.patient.action !== 'update') throw new Error('the patient is not updated');
    const { resource } = writes.patient;
    expect(resource.identifier).toMatchObject([
      { system: 'urn:radgate:mrn', value: '1', use: 'old' },
      { system: 'urn:clinic:north:mrn', value: '1' },
    ]);
    expect(isIdentityOf(north.identities[0], resource)).toBe(true);
    expect(isIdentityOf(south.identities[0], resource)).toBe(false);
    const again = {
      ...serverWith(planOf()),
      patients: [{ ...resource, id: 'p1', meta: { versionId: '2' } }],
    };
    expect(decided(north, again)).toMatchObject({ state: 'unchanged' });
    const other = decided(south, again);
    expect(other.state).toBe('created');
    expect(other.writes?.records.map(({ action }) => action)).toEqual(['create', 'create']);
  });
});
