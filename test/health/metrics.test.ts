import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { routeGroup } from '../../src/health/route.groups.js';
import { startWorld, type World } from '../support/world.ts';

const TOKEN = 'a-token-for-metrics-alone';
const study = freshUid();

let world: World;
beforeAll(async () => {
  world = await startWorld({ METRICS_TOKEN: TOKEN, FHIR_BASE_URL: 'http://127.0.0.1:1/fhir' });
});
afterAll(() => world?.stop());

const metrics = (authorization: string) => world.http.get('/metrics').set('authorization', authorization);
const read = async () => (await metrics(`Bearer ${TOKEN}`).expect(200)).text;

it('returns figures by route pattern and status for the token, and nothing about patients', async () => {
  const sender = await world.machine();
  const file = makeInstance({ studyUid: study, patientId: 'METRIC-1', patientName: 'Metrik^Maria' });
  await world.store(sender, [file, makeInstance({ studyUid: study, patientId: 'METRIC-1' })]).expect(200);
  const reader = await world.radiologist(study);
  await world.get(reader, `/studies/${study}`).expect(200);
  await world.get(reader, `/studies/${freshUid()}`).expect(404);
  const text = await read();
  expect(text).toContain('radgate_stow_instances_total 2');
  const [, bytes] = /^radgate_stow_bytes_total (\d+)$/m.exec(text) ?? [];
  expect(Number(bytes)).toBeGreaterThan(file.length);
  expect(text).toMatch(
    /radgate_http_request_seconds_count\{method="GET",route="\/dicom-web\/studies\/:study",status="404"\} 1/,
  );
  for (const line of [
    'radgate_first_byte_seconds_count{group="files"} 1',
    'radgate_first_byte_seconds_count{group="store"} 1',
    'radgate_things{of="studies",state=""} 1',
    'radgate_things{of="instances",state=""} 2',
    'radgate_neighbour_up{neighbour="orthanc"} 1',
    'radgate_neighbour_up{neighbour="postgres"} 1',
    'radgate_upstream_errors_total{neighbour="orthanc"} 0',
    'radgate_things{of="senders silent",state=""} 0',
  ])
    expect(text).toContain(line);
  expect(text).toMatch(/radgate_watcher_changes_behind \d+/);
  for (const secret of [study, 'METRIC-1', 'Metrik', sender.name, reader.name, reader.id, TOKEN])
    expect(text).not.toContain(secret);
});

it.each([
  ['GET', '/dicom-web/studies/:study/series/:series/instances/:instance/frames/:frames', 'frames'],
  ['GET', '/dicom-web/studies/:study/series/:series/instances/:instance/frames/:frames/rendered', 'rendered'],
  ['GET', '/dicom-web/studies/:study/thumbnail', 'rendered'],
  ['GET', '/dicom-web/studies/:study/metadata', 'metadata'],
  ['GET', '/dicom-web/studies/:study/series/:series/instances/:instance/bulk/*', 'bulk'],
  ['GET', '/dicom-web/studies', 'search'],
  ['GET', '/dicom-web/studies/:study/series', 'search'],
  ['GET', '/dicom-web/studies/:study/series/:series', 'files'],
  ['GET', '/wado', 'files'],
  ['POST', '/dicom-web/studies', 'store'],
  ['GET', '/api/users', 'api'],
  ['GET', '/health/live', 'other'],
])('the time to the first byte of %s %s counts for the group %s', (method, pattern, group) => {
  expect(routeGroup(method, pattern)).toBe(group);
});

it('refuses requests without the token', async () => {
  const { authorization } = await world.admin();
  for (const wrong of ['', 'Bearer ', `Bearer ${TOKEN}x`, TOKEN, authorization])
    await metrics(wrong).expect(401);
});

it('tells of senders that fell silent, of rows, and of a server that is left alone for the moment', async () => {
  // The gateway checks all senders regularly. With its own limit of one minute, the account stays silent in this check.
  await world.sql`
    insert into accounts (kind, name, silent_since, silent_after_minutes, created_at)
    values ('machine', 'quiet', now(), 1, now() - interval '1 hour')`;
  const [row] = await world.sql`
    insert into imports (id, account_name, sha256, bytes, mapping, mode, status, rows_total)
    select gen_random_uuid(), 'somebody', '', 1, id, 'commit', 'completed', 9 from mappings limit 1 returning id`;
  await world.sql`
    insert into import_chunks (import_id, chunk, sealed, created, rejected) values (${row?.['id']}, 0, '', 7, 2)`;
  const clerk = await world.person({ rights: ['records:import'], scope: { kind: 'all' } });
  await world.http
    .post('/api/imports')
    .set('authorization', clerk.authorization)
    .attach('file', Buffer.from('Nome,CPF,Data de Nascimento\nAna,111.444.777-35,05/06/1970\n'), 'a.csv')
    .expect(202);
  // The server is unreachable. Calls fail until the circuit breaker opens.
  await expect.poll(read, { timeout: 25_000 }).toContain('radgate_breaker_open{neighbour="hapi"} 1');
  const text = await read();
  expect(text).toContain('radgate_things{of="senders silent",state=""} 1');
  expect(text).toContain('radgate_things{of="import rows",state="created"} 7');
  expect(text).toMatch(/radgate_upstream_errors_total\{neighbour="hapi"\} [1-9]/);
});
