import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { patientFile } from '../../infra/demo/patients.file.ts';
import { faultyWay, testHapi, type FaultyWay, type TestHapi } from '../support/hapi.ts';
import { startWorld, type World } from '../support/world.ts';
import { badDay, Weather } from './bad.day.ts';
import { Clerk } from './import.world.ts';

const CLI = join(import.meta.dirname, '../../infra/local/import.ts');

const weather = new Weather();
let hapi: TestHapi;
let way: FaultyWay;
let world: World;
beforeAll(async () => {
  hapi = await testHapi();
  way = await faultyWay(hapi.url, (_method, _path, count) => weather.fate(count));
  world = await startWorld({ FHIR_BASE_URL: way.url });
}, 200_000);
afterAll(async () => {
  await world?.stop();
  await way?.close();
});

describe('a list on a bad day', () => {
  it('is written once though its worker is killed three times, HAPI goes away and answers are lost', async () => {
    await badDay({ hapi, way, weather, world: () => world }, { rows: 1_200, awayMs: 5_000 });
  }, 400_000);

  it('can be sent from the command line', async () => {
    const clerk = await Clerk.start(world);
    const dir = await mkdtemp(join(tmpdir(), 'radgate-import-'));
    const file = join(dir, 'list.csv');
    await writeFile(file, patientFile());
    const env = {
      PATH: process.env['PATH'],
      RADGATE_URL: world.gateway.url,
      RADGATE_USERNAME: 'admin',
      RADGATE_PASSWORD: world.adminPassword,
    };
    try {
      const run = await promisify(execFile)(process.execPath, [CLI, file, '--mapping', clerk.mapping], {
        env,
      });
      expect(run.stdout).toContain('completed: 50 rows, 50 created');
      expect(run.stdout).toContain('5 × phone-area-code');
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }, 60_000);
});
