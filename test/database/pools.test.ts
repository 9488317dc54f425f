import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { Clerk } from '../imports/import.world.ts';
import { cpfOf, list, row } from '../imports/lists.ts';
import { type Person, startWorld, type World } from '../support/world.ts';

let fhir: Server;
let world: World;
let admin: postgres.Sql;
let askedOfFhir = 0;
beforeAll(async () => {
  // A FHIR server that accepts every request but never answers. The real server cannot be made to behave in this way.
  fhir = createServer(() => void (askedOfFhir += 1)).listen(0, '127.0.0.1');
  const address = await new Promise<AddressInfo | string | null>((resolve) =>
    fhir.once('listening', () => resolve(fhir.address())),
  );
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  world = await startWorld({ FHIR_BASE_URL: `http://127.0.0.1:${port}/fhir` });
  // Only a superuser sees the statements of other sessions.
  admin = postgres(inject('postgres').adminUrl, { max: 1 });
});
afterAll(async () => {
  fhir?.closeAllConnections();
  fhir?.close();
  await admin?.end();
  await world?.stop();
});

/** The number of connections of the gateway that have this application name and wait for a table or row lock. */
async function blocked(name: string): Promise<number> {
  const rows = await admin`
    select from pg_stat_activity where datname = ${new URL(world.database.appUrl).pathname.slice(1)}
    and application_name = ${name} and wait_event_type = 'Lock'`;
  return rows.length;
}

/** The number of connections that hold or wait for the locks of import bundles. */
async function lockHolders(): Promise<number> {
  const rows = await admin`
    select distinct a.pid from pg_stat_activity a join pg_locks l on l.pid = a.pid and l.locktype = 'advisory'
    where a.datname = ${new URL(world.database.appUrl).pathname.slice(1)} and l.mode = 'ShareLock'`;
  return rows.length;
}

/** The duration of the fastest of three sign-ins in milliseconds, because another process may slow a single sign-in down. */
async function signInTime({ name, password }: Person): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < 3; count += 1) {
    const began = performance.now();
    await world.signIn(name, password);
    times.push(performance.now() - began);
  }
  return Math.min(...times);
}

it('a sign-in takes less than a second while searches, walks and imports keep all the connections they may', async () => {
  const people: Person[] = [];
  for (let count = 0; count < 4; count += 1) people.push(await world.radiologist(freshUid()));
  const [first] = people;
  if (first === undefined) throw new Error('nobody');
  const clerk = await Clerk.start(world);
  const rows = Array.from({ length: 2_000 }, (_, at) => row(cpfOf(at)));
  await clerk.upload(list(...rows)).expect(202);
  await expect.poll(() => askedOfFhir, { timeout: 20_000 }).toBeGreaterThan(0);
  await expect.poll(lockHolders, { timeout: 10_000 }).toBe(4);
  const searches: Promise<number>[] = [];
  await world.sql.begin(async (tx) => {
    // Searches wait until this transaction ends. The comparison of the archive with the catalog also waits.
    await tx`lock table series in access exclusive mode`;
    for (let count = 0; count < 12; count += 1)
      await world.archive('/instances', { method: 'POST', body: new Uint8Array(makeInstance()) });
    for (const person of people)
      for (let count = 0; count < 8; count += 1)
        searches.push(world.get(person, '/series').then(({ status }) => status));
    await expect.poll(() => blocked('radgate'), { timeout: 10_000 }).toBe(10);
    await expect.poll(() => blocked('radgate background'), { timeout: 10_000 }).toBeGreaterThanOrEqual(1);
    expect(await signInTime(first)).toBeLessThan(1_000);
    expect([await blocked('radgate'), await lockHolders()]).toEqual([10, 4]);
  });
  expect(new Set(await Promise.all(searches))).toEqual(new Set([200]));
});
