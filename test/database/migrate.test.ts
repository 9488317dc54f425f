import { randomBytes } from 'node:crypto';
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { migrate, migrateBack } from '../../src/database/migrate.js';

const MIGRATIONS = join(import.meta.dirname, '../../src/database/migrations');
const quiet = () => undefined;

let name: string;
let ownerUrl: string;
let appUrl: string;
let owner: postgres.Sql;
let admin: postgres.Sql;
let old: string;
beforeAll(async () => {
  const server = inject('postgres');
  name = `migrate_${randomBytes(4).toString('hex')}`;
  admin = postgres(server.adminUrl, { max: 1 });
  await admin`create database ${admin(name)} owner radgate_owner`;
  const named = (url: string) => Object.assign(new URL(url), { pathname: name }).href;
  [ownerUrl, appUrl] = [named(server.ownerUrl), named(server.appUrl)];
  owner = postgres(ownerUrl, { max: 1, onnotice: quiet });
  old = await mkdtemp(join(tmpdir(), 'radgate-old-'));
  await copyFile(join(MIGRATIONS, '0001_house.sql'), join(old, '0001_house.sql'));
  await migrate(ownerUrl, appUrl, quiet, pathToFileURL(`${old}/`));
});
afterAll(async () => {
  await owner?.end();
  await admin?.unsafe(`drop database if exists ${name} with (force)`);
  await admin?.end();
  await rm(old, { recursive: true, force: true });
});

const newest = async () => (await readdir(MIGRATIONS)).filter((file) => !file.endsWith('.down.sql')).length;
const applied = async () => (await owner`select count(*)::int as n from migrations`)[0]?.['n'];

describe('migrations', () => {
  it('say what to do about a migration that cannot be undone', async () => {
    await expect(migrateBack(ownerUrl, quiet)).rejects.toThrow(
      '0001_house.sql cannot be reverted. Restore a backup',
    );
    expect(await applied()).toBe(1);
  });

  it('bring an old database with rows in it forward, back and forward again, and the rows stay', async () => {
    expect(await applied()).toBe(1);
    await owner`insert into patients (issuer, patient_id) values ('A', '1')`;
    await owner`
      insert into studies (study_uid, patient, patient_name, patient_name_key, instance_count)
      select '1.2.3', id, 'Müller^Änne', 'muller^anne', 1 from patients`;
    await owner`insert into audit (kind, address, action) values ('answer', 'test', 'test')`;
    const rows = () => owner`
      select study_uid, patient_name, (select count(*)::int from audit) as audit from studies join patients on patients.id = patient`;
    const before = await rows();

    const steps = (await newest()) - 1;
    await migrate(ownerUrl, appUrl, quiet);
    expect(await applied()).toBe(steps + 1);
    expect(await rows()).toEqual(before);
    for (let step = 0; step < steps; step += 1) await migrateBack(ownerUrl, quiet);
    expect(await applied()).toBe(1);
    expect(await rows()).toEqual(before);
    await migrate(ownerUrl, appUrl, quiet);
    expect(await rows()).toEqual(before);
  });

  it('may be run twice, also at the same time', async () => {
    await Promise.all([migrate(ownerUrl, appUrl, quiet), migrate(ownerUrl, appUrl, quiet)]);
    expect(await applied()).toBe(await newest());
  });
});
