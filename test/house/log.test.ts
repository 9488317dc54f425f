import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { loggerTo } from '../../src/json.logger.js';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { startTestGateway } from '../support/gateway.ts';
import { foundIn } from '../support/log.canaries.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
let data: string;
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'radgate-log-'));
  world = await startWorld({ DATA_DIR: data });
});
afterAll(async () => {
  await world?.stop();
  await rm(data, { recursive: true, force: true });
});

const Line = z.looseObject({ time: z.iso.datetime(), level: z.string(), message: z.string() });
const lines = async () =>
  (await readFile(join(data, 'logs/gateway.log'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => Line.parse(JSON.parse(line)));

const lineOf = async (requestId: string) => (await lines()).find((line) => line['request_id'] === requestId);

describe('the log', () => {
  it('has one JSON object a line, also in the data folder, with the id of each request', async () => {
    await world.http
      .get('/health/ready')
      .set('x-request-id', 'asked-for-0001')
      .expect('x-request-id', 'asked-for-0001');
    // The log line is written after the answer.
    await expect
      .poll(() => lineOf('asked-for-0001'))
      .toMatchObject({ method: 'GET', route: '/health/ready', status: 200, level: 'info' });
    expect(await readdir(join(data, 'logs'))).toContain('gateway.log');
  });

  it('has no line for a successful health check of the process', async () => {
    await world.http.get('/health/live').set('x-request-id', 'health-check-0001').expect(200);
    await world.http.get('/health/ready').set('x-request-id', 'health-check-0002').expect(200);
    await expect.poll(() => lineOf('health-check-0002')).toMatchObject({ status: 200 });
    expect(await lineOf('health-check-0001')).toBeUndefined();
  });

  it('contains no patient, UID, password, key or token', async () => {
    const study = freshUid();
    const machine = await world.machine();
    await world.store(machine, [
      makeInstance({ studyUid: study, patientId: 'CANARY-4711', patientName: 'Canary^Yellow' }),
    ]);
    const reader = await world.radiologist(study);
    await world.get(reader, `/studies?PatientID=CANARY-4711`).expect(200);
    await world.get(reader, `/studies/${study}/metadata`).expect(200);
    await world.http
      .post('/api/auth/login')
      .send({ username: 'admin', password: 'wrong-and-secret-1' })
      .expect(401);
    const text = `${await readFile(join(data, 'logs/gateway.log'), 'utf8')}${await world.gateway.logged()}`;
    const secrets = [
      'CANARY',
      'Canary',
      study,
      machine.key,
      reader.password,
      world.adminPassword,
      'wrong-and-secret-1',
    ];
    for (const secret of [...secrets, reader.authorization.slice(7), world.orthanc.password]) {
      expect(text.includes(secret)).toBe(false);
    }
  });

  it('of every gateway under test is searched for secrets, by pattern and by the values of its environment', () => {
    const env = { MASTER_KEY: 'c2VjcmV0LXNlY3JldA==', DATABASE_URL: 'postgres://app:hidden-word@h/d' };
    expect(foundIn('{"message":"listening on 127.0.0.1:3000"}', env)).toEqual([]);
    for (const text of [
      env.MASTER_KEY,
      'hidden-word',
      `rgk_${'a'.repeat(43)}`,
      `eyJhbGciOiJSUzI1NiJ9.${'e'.repeat(20)}.x`,
      'radgate_session=x',
      'Authorization: Basic dXNlcjpwYXNzd29yZA==',
      'Canary^Yellow',
    ])
      expect([text, foundIn(`{"message":"${text}"}`, env).length]).toEqual([text, 1]);
  });

  it('writes its level and above', () => {
    const written: string[] = [];
    const logger = loggerTo([{ write: (text) => written.push(text) }], 'warn');
    logger.log('quiet', 'test');
    logger.warn('loud', 'test');
    logger.error('louder', 'test');
    expect(written.map((text) => Line.parse(JSON.parse(text)).message)).toEqual(['loud', 'louder']);
  });
});

it('an uncaught error writes one log line without its message and ends the process', async () => {
  const { PORT: _, DATA_DIR: __, ...env } = world.gateway.env;
  const fault = `process.on('SIGUSR2', () => { throw new TypeError('Miller^Anna') })`;
  const gateway = await startTestGateway({
    ...env,
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(fault)}`,
  });
  try {
    process.kill(gateway.pid, 'SIGUSR2');
    expect(await gateway.exited).toBe('status 1');
    const log = await gateway.logged();
    const last: unknown = JSON.parse(log.trimEnd().split('\n').at(-1) ?? '');
    expect(last).toMatchObject({ level: 'fatal', context: 'main' });
    expect(log).toContain('uncaught TypeError');
    expect(log).not.toContain('Miller^Anna');
  } finally {
    await gateway.stop();
  }
});
