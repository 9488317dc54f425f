import { randomUUID } from 'node:crypto';
import { and, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import * as fc from 'fast-check';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allows, type Policy, type StudyFacts, toSql } from '../../src/authz/policy.js';
import type { Scope } from '../../src/authz/scopes.js';
import { accounts } from '../../src/database/schema.access.js';
import { patients, studies } from '../../src/database/schema.catalog.js';
import { createDatabase, type TestDatabase } from '../support/neighbours.ts';
import { longForm } from '../support/long.form.ts';

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

// There are few possible values, so grants often match studies. Values that differ only in case or spaces are different values.
const issuer = fc.constantFrom('A', 'a', 'B');
const patientId = fc.constantFrom('1', '1 ', 'p*', 'P*', '%', '');
const institution = fc.constantFrom('North', 'north', 'South', '');
const modality = fc.constantFrom('CT', 'MR', 'ct');
const account = fc.constantFrom(...Array.from({ length: 2 }, () => randomUUID()));
const uid = fc.integer({ min: 1, max: 6 }).map((number) => `1.2.${number}`);

const study: fc.Arbitrary<StudyFacts> = fc.record({
  studyUid: uid,
  issuer,
  patientId,
  institution,
  imageModalities: fc.uniqueArray(modality, { maxLength: 2 }),
  createdBy: fc.option(account, { nil: undefined }),
});
const scope: fc.Arbitrary<Scope> = fc.oneof(
  fc.constantFrom<Scope>({ kind: 'own-patient' }, { kind: 'own-uploads' }),
  uid.map((study_uid) => ({ kind: 'study', study_uid }) as const),
  fc.record({ kind: fc.constant('patient'), issuer, patient_id: patientId }),
  institution.map((name) => ({ kind: 'institution', institution: name }) as const),
  modality.map((name) => ({ kind: 'modality', modality: name }) as const),
);
const right = fc.constantFrom('studies:read' as const, 'studies:store' as const);
const policy: fc.Arbitrary<Policy> = fc.record({
  accountId: account,
  patient: fc.option(fc.record({ issuer, patientId }), { nil: undefined }),
  grants: fc.array(
    fc.record({
      rights: fc.uniqueArray(right, { minLength: 1 }),
      scope: fc.oneof(
        { weight: 12, arbitrary: scope },
        { weight: 1, arbitrary: fc.constant<Scope>({ kind: 'all' }) },
      ),
    }),
    { maxLength: 4 },
  ),
});
const catalog = fc.uniqueArray(study, { selector: (one) => one.studyUid, maxLength: 6 });

describe('one policy, two readings', () => {
  it('the SQL predicate and the yes/no answer agree on every study', async () => {
    const db = drizzle(client);
    await fc.assert(
      fc.asyncProperty(catalog, policy, right, async (facts, who, wanted) => {
        const found = await db
          .transaction(async (tx) => {
            for (const one of facts) {
              if (one.createdBy !== undefined) {
                await tx
                  .insert(accounts)
                  .values({ id: one.createdBy, kind: 'person', name: one.createdBy })
                  .onConflictDoNothing();
              }
              const soleStudyUid = one.patientId === '' ? one.studyUid : null;
              await tx
                .insert(patients)
                .values({ issuer: one.issuer, patientId: one.patientId, soleStudyUid })
                .onConflictDoNothing();
              const [patient] = await tx
                .select({ id: patients.id })
                .from(patients)
                .where(
                  and(
                    eq(patients.issuer, one.issuer),
                    eq(patients.patientId, one.patientId),
                    soleStudyUid === null ? undefined : eq(patients.soleStudyUid, soleStudyUid),
                  ),
                );
              const { studyUid, institution: at, imageModalities, createdBy } = one;
              await tx.insert(studies).values({
                studyUid,
                patient: patient!.id,
                institution: at,
                imageModalities: [...imageModalities],
                createdBy: createdBy ?? null,
              });
            }
            const rows = await tx
              .select({ uid: studies.studyUid })
              .from(studies)
              .innerJoin(patients, eq(patients.id, studies.patient))
              .where(toSql(who, wanted));
            throw new Found(rows.map((row) => row.uid));
          })
          .catch((rolledBack: unknown) => {
            if (rolledBack instanceof Found) return rolledBack.uids;
            throw rolledBack;
          });
        const allowed = facts.filter((one) => allows(who, wanted, one)).map((one) => one.studyUid);
        expect(found.sort()).toEqual(allowed.sort());
      }),
      { numRuns: longForm(200, 40) },
    );
  });
});

/** Rolls a transaction back and carries its result out. */
class Found extends Error {
  constructor(readonly uids: string[]) {
    super('found');
  }
}
