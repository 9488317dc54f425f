import { drizzle } from 'drizzle-orm/postgres-js';
import { and, eq, gt } from 'drizzle-orm';
import * as fc from 'fast-check';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allows, type Policy, toSql } from '../../src/authz/policy.js';
import type { Scope } from '../../src/authz/scopes.js';
import { insertInstances } from '../../src/catalog/instance.insert.js';
import { factsOf } from '../../src/catalog/instance.facts.js';
import { type Uploader, resolveParents } from '../../src/catalog/parent.resolution.js';
import type { Transaction } from '../../src/database/database.module.js';
import { accounts } from '../../src/database/schema.access.js';
import { patients, studies } from '../../src/database/schema.catalog.js';
import { orthancIdOf } from '../../src/orthanc/orthanc.id.js';
import { longForm } from '../support/long.form.ts';
import { createDatabase, type TestDatabase } from '../support/neighbours.ts';

const ACCOUNTS = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'];

let database: TestDatabase;
let client: postgres.Sql;
beforeAll(async () => {
  database = await createDatabase();
  client = postgres(database.appUrl, { max: 1 });
});
afterAll(async () => {
  await client?.end();
  await database?.drop();
});

const issuer = fc.constantFrom('', 'A', 'B');
const patientId = fc.constantFrom('1', '2', '');
const institution = fc.constantFrom('', 'North', 'South');
const studyUid = fc.integer({ min: 1, max: 3 }).map((number) => `1.2.${number}`);

const scope: fc.Arbitrary<Scope> = fc.oneof(
  fc.constantFrom<Scope>({ kind: 'own-patient' }, { kind: 'own-uploads' }),
  studyUid.map((study_uid) => ({ kind: 'study', study_uid }) as const),
  fc.record({
    kind: fc.constant('patient'),
    issuer: fc.constantFrom('A', 'B'),
    patient_id: fc.constantFrom('1', '2'),
  }),
  fc.constantFrom('North', 'South').map((name) => ({ kind: 'institution', institution: name }) as const),
  fc.constantFrom('CT', 'MR').map((name) => ({ kind: 'modality', modality: name }) as const),
);
const policyWith = (right: 'studies:read' | 'studies:store'): fc.Arbitrary<Policy> =>
  fc.record({
    accountId: fc.constantFrom(...ACCOUNTS),
    patient: fc.option(fc.constant({ issuer: 'A', patientId: '1' }), { nil: undefined }),
    grants: fc.array(fc.record({ rights: fc.constant([right]), scope }), { minLength: 1, maxLength: 3 }),
  });
const step = fc.record({
  by: fc.oneof(policyWith('studies:store'), fc.constant('the archive' as const)),
  assigned: fc.record({
    institution: fc.constantFrom(undefined, 'North', 'South'),
    issuer: fc.constantFrom(undefined, 'A', 'B'),
  }),
  studyUid,
  issuer,
  patientId,
  institution,
  modality: fc.constantFrom('CT', 'MR', 'SR', ''),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The studies that a reader sees now. */
async function view(tx: Transaction, reader: Policy): Promise<Set<string>> {
  const rows = await tx
    .select({ uid: studies.studyUid })
    .from(studies)
    .innerJoin(patients, eq(patients.id, studies.patient))
    .where(and(gt(studies.instanceCount, 0), toSql(reader, 'studies:read')));
  return new Set(rows.map((row) => row.uid));
}

/** Inserts one instance as STOW or the watcher would. If the instance is refused, no rows are inserted. */
async function store(tx: Transaction, one: Step, serial: number): Promise<void> {
  const seriesUid = `${one.studyUid}.${serial}`;
  const sopUid = `${seriesUid}.1`;
  const attributes = new Map([
    ['0020000D', one.studyUid],
    ['0020000E', seriesUid],
    ['00080018', sopUid],
    ['00100020', one.patientId],
    ['00100021', one.issuer],
    ['00080080', one.institution],
    ['00080060', one.modality],
  ]);
  const facts = factsOf(attributes, '1.2.840.10008.1.2.1');
  const { by } = one;
  const depositor: Uploader = {
    accountId: by === 'the archive' ? undefined : by.accountId,
    institution: one.assigned.institution,
    issuer: one.assigned.issuer,
    defaultIssuer: 'A',
    permits: (study) => by === 'the archive' || allows(by, 'studies:store', study),
    sees: (study) => by === 'the archive' || allows(by, 'studies:store', study),
  };
  const undo = 'refused';
  await tx
    .transaction(async (inner) => {
      const at = await resolveParents(inner, facts, depositor);
      if (typeof at === 'string' || 'kind' in at) throw new Error(undo);
      const id = (...uids: string[]) => orthancIdOf(one.patientId, ...uids);
      const arrived = {
        id: id(one.studyUid, seriesUid, sopUid),
        study: id(one.studyUid),
        series: id(one.studyUid, seriesUid),
        size: 1,
        sha256: undefined,
      };
      await insertInstances(inner, at, depositor, [{ facts, archived: arrived }]);
    })
    .catch((error: unknown) => {
      if (!(error instanceof Error) || error.message !== undo) throw error;
    });
}

describe('storing never widens access', () => {
  it('no sequence of stores brings an existing study into a view it was not in', async () => {
    const db = drizzle(client);
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 2, maxLength: 8 }),
        fc.array(policyWith('studies:read'), { minLength: 1, maxLength: 3 }),
        async (steps, readers) => {
          await db
            .transaction(async (tx) => {
              for (const id of ACCOUNTS) await tx.insert(accounts).values({ id, kind: 'machine', name: id });
              for (const [serial, one] of steps.entries()) {
                const existing = await tx
                  .select({ uid: studies.studyUid, images: studies.imageModalities })
                  .from(studies)
                  .where(gt(studies.instanceCount, 0));
                const before = await Promise.all(readers.map((reader) => view(tx, reader)));
                await store(tx, one, serial + 1);
                for (const [index, reader] of readers.entries()) {
                  const after = await view(tx, reader);
                  for (const study of existing) {
                    // No modality scope covers a study that has only reports. The first image series of the study decides which modality
                    // scopes cover it (docs/decisions/0005).
                    if (
                      study.images.length === 0 &&
                      reader.grants.some((grant) => grant.scope.kind === 'modality')
                    )
                      continue;
                    const widened = after.has(study.uid) && before[index]?.has(study.uid) !== true;
                    expect(widened).toBe(false);
                  }
                }
              }
              throw new Done();
            })
            .catch((error: unknown) => {
              if (!(error instanceof Done)) throw error;
            });
        },
      ),
      { numRuns: longForm(150, 30) },
    );
  });
});

/** Thrown at the end of a run, so that the transaction of the run is rolled back. */
class Done extends Error {}
