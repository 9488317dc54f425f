import type { Condition, Patient } from '@medplum/fhirtypes';
import { describe, expect, it } from 'vitest';
import { resolveDuplicates } from '../../src/mapping/duplicates.js';
import { correctObservation, mergeCondition, mergePatient, planHash } from '../../src/mapping/owned.merge.js';
import { makeDocumentReference, makeProvenance } from '../../src/mapping/provenance.maker.js';
import { mapRow } from '../../src/mapping/row.mapping.js';
import type { RowPlan } from '../../src/mapping/row.plan.js';
import {
  buildTransaction,
  identifierQuery,
  type PatientWrites,
} from '../../src/mapping/transaction.bundle.js';
import { shipped } from '../csv/csv.reading.ts';
import { context } from './mapping.world.ts';

const ana = {
  name: 'Ana Souza',
  cpf: '529.982.247-25',
  phone: '(11) 3456-7890',
  note: 'Gestante|Hipertenso',
};

function plan(change: Record<string, string> = {}): RowPlan {
  const cells = new Map(Object.entries({ ...ana, ...change }));
  const outcome = mapRow(shipped('brazil-hospital'), cells, context);
  if (outcome.outcome === 'rejected') throw new Error(outcome.issues.map(({ code }) => code).join(' '));
  return outcome.plan;
}
const creation = (row: RowPlan): PatientWrites => ({
  plan: row,
  patient: { action: 'create', resource: row.patient },
  records: [...row.conditions, ...row.observations].map((resource) => ({ action: 'create', resource })),
});

/** A Patient on the server. Some of its values are from the gateway, and some are later changes by other clients. */
const stored: Patient = {
  ...plan().patient,
  id: 'p1',
  meta: { versionId: '3', lastUpdated: '2026-01-01T00:00:00Z' },
  address: [{ use: 'home', city: 'Lisboa' }],
  telecom: [{ system: 'phone', value: '+351210000000' }, ...(plan().patient.telecom ?? [])],
  identifier: [{ system: 'urn:other', value: '9' }, ...(plan().patient.identifier ?? [])],
  maritalStatus: { text: 'married' },
};

describe('an update', () => {
  it('is not needed when the row agrees with the server', () => {
    expect(mergePatient(stored, plan().patient)).toEqual({ resource: stored, changes: [] });
  });

  it('of one phone changes one number; what others wrote survives', () => {
    const { resource, changes } = mergePatient(stored, plan({ phone: '(21) 3456-7890' }).patient);
    expect(changes.map(({ element }) => element)).toEqual(['telecom']);
    expect(resource.telecom?.map(({ value }) => value)).toEqual(['+351210000000', '+552134567890']);
    expect(resource).toMatchObject({
      address: stored.address,
      maritalStatus: stored.maritalStatus,
      identifier: stored.identifier,
    });
  });

  it('keeps values that the row does not contain', () => {
    const { resource, changes } = mergePatient(stored, plan({ phone: '' }).patient);
    expect(changes).toEqual([]);
    expect(resource.telecom).toHaveLength(2);
  });

  it('leaves a Condition that somebody confirmed, and takes an onset', () => {
    const [ours] = plan().conditions;
    const theirs: Condition = {
      ...ours!,
      verificationStatus: { text: 'confirmed' },
      recordedDate: '2025-01-01',
    };
    expect(mergeCondition(theirs, ours!)).toEqual({ resource: theirs, changes: [] });
    const { resource, changes } = mergeCondition(theirs, { ...ours!, onsetDateTime: '2010' });
    expect(changes).toEqual([{ element: 'onsetDateTime', before: undefined, after: '2010' }]);
    expect(resource.verificationStatus).toEqual({ text: 'confirmed' });
  });

  it('corrects the value of an Observation and leaves its day', () => {
    const [ours] = plan().observations;
    const theirs = {
      ...ours!,
      effectiveDateTime: '2025-01-01',
      valueCodeableConcept: { ...ours!.valueCodeableConcept, text: 'grávida' },
    };
    expect(correctObservation(theirs, ours!)).toEqual({ resource: theirs, changes: [] });
    const weighed = correctObservation(
      { ...theirs, valueQuantity: { value: 70 } },
      { ...ours!, valueQuantity: { value: 71 } },
    );
    expect(weighed.changes.map(({ element }) => element)).toEqual([
      'status',
      'valueQuantity',
      'valueCodeableConcept',
    ]);
    expect(weighed.resource.status).toBe('corrected');
    expect(weighed.resource.effectiveDateTime).toBe('2025-01-01');
  });
});

describe('a transaction', () => {
  it('has a fullUrl and ifNoneExist everywhere and points at its own patient', () => {
    const { bundle, owners } = buildTransaction([creation(plan())]);
    const entries = bundle.entry ?? [];
    expect(entries.map(({ resource }) => resource?.resourceType)).toEqual([
      'Patient',
      'Condition',
      'Observation',
    ]);
    expect(
      entries.every(({ fullUrl }) =>
        /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(fullUrl ?? ''),
      ),
    ).toBe(true);
    expect(entries[0]?.request).toEqual({
      method: 'POST',
      url: 'Patient',
      ifNoneExist: 'identifier=https%3A%2F%2Fsaude.gov.br%2Ffhir%2Fsid%2Fcpf%7C52998224725',
    });
    expect(
      entries
        .slice(1)
        .map(({ resource }) =>
          resource?.resourceType === 'Condition' ? resource.subject.reference : undefined,
        )[0],
    ).toBe(entries[0]?.fullUrl);
    expect(entries.every(({ request }) => request?.ifNoneExist?.startsWith('identifier=') === true)).toBe(
      true,
    );
    expect(owners).toHaveLength(3);
    expect(buildTransaction([creation(plan())])).toEqual({ bundle, owners });
  });

  it('updates by version and adds records to a patient that is there', () => {
    const row = plan();
    const { bundle } = buildTransaction([
      {
        plan: row,
        patient: { action: 'update', id: 'p1', version: '3', resource: stored },
        records: [
          { action: 'create', resource: row.conditions[0]! },
          { action: 'keep', id: 'o1' },
        ],
      },
    ]);
    expect(bundle.entry?.map(({ request }) => request)).toMatchObject([
      { method: 'PUT', url: 'Patient/p1', ifMatch: 'W/"3"' },
      { method: 'POST', url: 'Condition' },
    ]);
    expect(bundle.entry?.[1]?.resource).toMatchObject({ subject: { reference: 'Patient/p1' } });
  });

  it('takes no patient twice and 50 at most', () => {
    expect(() => buildTransaction([creation(plan()), creation(plan())])).toThrow('twice');
    expect(() => buildTransaction(Array.from({ length: 51 }, () => creation(plan())))).toThrow('50');
  });

  it('escapes special characters in a search', () => {
    expect(decodeURIComponent(identifierQuery('urn:x', 'a|b,c$d\\e'))).toBe(
      'identifier=urn:x|a\\|b\\,c\\$d\\\\e',
    );
  });
});

describe('rows of one patient in one file', () => {
  const one = { row: 1, plan: plan() };
  const same = { row: 2, plan: plan() };
  const other = { row: 3, plan: plan({ phone: '(21) 3456-7890', note: 'Asma' }) };
  const results = (policy: 'error' | 'first' | 'last' | 'merge') =>
    resolveDuplicates([one, same, other], policy).map(({ result }) => result);

  it('are written once when they say the same', () => {
    expect(planHash(one.plan)).toBe(planHash(same.plan));
    expect(resolveDuplicates([one, same], 'error')).toEqual([
      { row: 1, result: 'write', plan: one.plan },
      { row: 2, result: 'duplicate', code: 'duplicate-same', otherRow: 1 },
    ]);
  });

  it('are settled by policy otherwise', () => {
    expect(results('error')).toEqual(['rejected', 'rejected', 'rejected']);
    expect(results('first')).toEqual(['write', 'duplicate', 'duplicate']);
    expect(results('last')).toEqual(['duplicate', 'duplicate', 'write']);
    expect(results('merge')).toEqual(['write', 'duplicate', 'duplicate']);
  });

  it('are united: the later phone, all conditions', () => {
    const [merged] = resolveDuplicates([one, same, other], 'merge');
    if (merged?.result !== 'write') throw new Error('not written');
    expect(merged.plan.patient.telecom?.map(({ value }) => value)).toEqual(['+552134567890']);
    expect(merged.plan.conditions.map(({ code }) => code?.text)).toEqual(['Hipertenso', 'Asma']);
    expect(merged.plan.observations).toHaveLength(1);
  });
});

describe('the record of an import', () => {
  it('is a Provenance with a steady id and a DocumentReference found by SHA-256, without names', () => {
    const sha256 = 'ab'.repeat(32);
    const facts = {
      chunk: 'f1/3',
      targets: ['Patient/p1'],
      recorded: '2026-03-01T10:00:00Z',
      agent: { system: 'urn:radgate:account', value: 'u1' },
      fileSha256: sha256,
      mapping: { name: 'brazil-hospital', version: 1 },
    };
    expect(makeProvenance(facts)).toEqual(makeProvenance({ ...facts }));
    expect(makeProvenance({ ...facts, chunk: 'f1/4' }).id).not.toBe(makeProvenance(facts).id);
    expect(makeProvenance(facts).entity?.[0]?.what.identifier?.value).toBe(sha256);
    const reference = makeDocumentReference({ sha256, bytes: 10, received: '2026-03-01T10:00:00Z' });
    expect(reference.identifier).toEqual([{ system: 'urn:radgate:file-sha-256', value: sha256 }]);
    expect(reference.content[0]?.attachment).not.toHaveProperty('hash');
  });
});
