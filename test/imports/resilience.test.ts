import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CIRCULATING, encodeList, patientFile } from '../../infra/demo/patients.file.ts';
import { COLUMNS } from '../../infra/demo/patients.list.ts';
import { faultyWay, testHapi, type FaultyWay, type TestHapi } from '../support/hapi.ts';
import { startWorld, type World } from '../support/world.ts';
import { Clerk, countedRows } from './import.world.ts';

const CLI = join(import.meta.dirname, '../../infra/local/import.ts');
const ROWS = 1200;

let hapi: TestHapi;
let way: FaultyWay;
let world: World;
beforeAll(async () => {
  hapi = await testHapi();
  // One answer in twenty is lost after the work was done.
  way = await faultyWay(hapi.url, (_method, _path, count) => (count % 20 === 0 ? 'lost' : 'pass'));
  world = await startWorld({ FHIR_BASE_URL: way.url });
}, 200_000);
afterAll(async () => {
  await world?.stop();
  await way?.close();
});

const rows = Array.from({ length: ROWS }, (_, at) => {
  const digits = String(at).padStart(6, '0');
  const note = at % 10 === 0 ? 'Diabético' : '';
  return [
    `Pessoa ${'ABCDEFGHIJ'.charAt(at % 10)} Silva`,
    `333.${digits.slice(0, 3)}.${digits.slice(3)}-10`,
    'Masculino',
    '01/02/1980',
    '',
    'Brasil',
    note,
  ];
});

describe('a list on a bad day', () => {
  it('is written once though its worker is killed three times and answers are lost', async () => {
    const clerk = await Clerk.start(world);
    const upload = await clerk.upload(encodeList([[...COLUMNS], ...rows], CIRCULATING)).expect(202);
    const id = String((upload.headers['location'] ?? '').split('/').at(-1));
    for (const done of [50, 300, 600]) {
      await expect
        .poll(async () => (await clerk.report(id)).rows_done, { timeout: 60_000, interval: 50 })
        .toBeGreaterThanOrEqual(done);
      world.gateway.kill();
      await world.gateway.exited;
      world.gateway = await world.secondGateway();
    }
    const end = await clerk.ended(id, 120);
    expect(end).toMatchObject({ status: 'completed', rows_total: ROWS, created: ROWS, rejected: 0 });
    expect(countedRows(end)).toBe(ROWS);
    expect(await hapi.count(`Patient?identifier=${clerk.system}|`)).toBe(ROWS);
    expect(await hapi.count(`Condition?subject:Patient.identifier=${clerk.system}|`)).toBe(ROWS / 10);
  }, 300_000);

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
