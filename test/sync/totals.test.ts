import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { OrthancId } from '../../src/orthanc/orthanc.id.js';
import { Totals } from '../../src/sync/totals.service.js';
import { createDatabase, type TestDatabase } from '../support/neighbours.ts';

let database: TestDatabase;
let sql: postgres.Sql;
let archived = 0;
let totals: Totals;
const statistics = async () => ({
  CountStudies: 1,
  CountSeries: 1,
  CountInstances: archived,
  TotalDiskSize: 0,
});
beforeAll(async () => {
  database = await createDatabase();
  sql = postgres(database.appUrl, { max: 2, onnotice: () => undefined });
  totals = new Totals(drizzle(sql), { statistics });
});
afterAll(async () => {
  await sql?.end();
  await database?.drop();
});
beforeEach(async () => {
  await sql`delete from quarantined`;
  await sql`delete from studies`;
  await sql`delete from patients`;
});

const idOf = (number: number) =>
  OrthancId.parse(`a0000000-b0000000-c0000000-d0000000-${String(number).padStart(8, '0')}`);

async function study(uid: string, ...instances: readonly number[]): Promise<void> {
  const [patient] = await sql`insert into patients (issuer, patient_id) values ('N', ${uid}) returning id`;
  const [row] = await sql`
    insert into studies (study_uid, patient, instance_count) values (${uid}, ${patient?.['id']}, ${instances.length}) returning id`;
  const [series] = await sql`
    insert into series (series_uid, study, instance_count) values (${`${uid}.1`}, ${row?.['id']}, ${instances.length}) returning id`;
  for (const number of instances)
    await sql`insert into instances (sop_uid, series, sop_class_uid, transfer_syntax, orthanc_id)
      values (${`${uid}.1.${number}`}, ${series?.['id']}, '1.2', '1.2', ${idOf(number)})`;
}

/** The number of rows of changes, and their sum. */
async function changes() {
  const [row] =
    await sql`select count(*)::int, coalesce(sum(change), 0)::int as sum from visible_study_changes`;
  return row;
}

it('an instance that waits and is quarantined, or is in the catalog already, counts once', async () => {
  await study('1.2.3', 1, 2);
  const [group] =
    await sql`insert into quarantine (orthanc_study, reason) values ('s', 'altered') returning id`;
  await sql`insert into quarantined (orthanc_id, quarantine) values (${idOf(3)}, ${group?.['id']})`;
  archived = 4;
  expect(await totals.difference([idOf(4)])).toBeUndefined();
  expect(await totals.difference([idOf(4), idOf(3), idOf(2)])).toBeUndefined();
  expect(await totals.difference([])).toMatchObject({ count: 1 });
});

it('many changes of the number of visible studies become one row with their sum', async () => {
  const [before] = [Number((await changes())?.['sum'])];
  for (let number = 0; number < 101; number += 1) await study(`1.2.4.${number}`, number + 10);
  await totals.difference([]);
  expect(await changes()).toEqual({ count: 1, sum: before + 101 });
  await study('1.2.5', 1);
  await totals.difference([]);
  expect(await changes()).toEqual({ count: 2, sum: before + 102 });
});

it('a change of the PatientID or issuer of a patient is told for each study of the patient', async () => {
  await study('1.2.6', 1);
  const told: string[] = [];
  const listening = await sql.listen('study_grown', (studyUid) => told.push(studyUid));
  await sql`update patients set patient_id = 'another' where patient_id = '1.2.6'`;
  await expect.poll(() => told).toEqual(['1.2.6']);
  await listening.unlisten();
});
