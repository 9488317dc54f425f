import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { startWorld, type World } from '../support/world.ts';

const TOKEN = 'a-token-for-metrics-alone';
const study = freshUid();

let world: World;
beforeAll(async () => {
  world = await startWorld({ METRICS_TOKEN: TOKEN });
});
afterAll(() => world?.stop());

const metrics = (authorization: string) => world.http.get('/metrics').set('authorization', authorization);

it('tells figures by route pattern and status to whoever brings the token, and nothing of patients', async () => {
  const sender = await world.machine();
  const file = makeInstance({ studyUid: study, patientId: 'METRIC-1', patientName: 'Metrik^Maria' });
  await world.store(sender, [file, makeInstance({ studyUid: study, patientId: 'METRIC-1' })]).expect(200);
  const reader = await world.radiologist(study);
  await world.get(reader, `/studies/${study}`).expect(200);
  await world.get(reader, `/studies/${freshUid()}`).expect(404);
  const { text } = await metrics(`Bearer ${TOKEN}`).expect(200);
  expect(text).toContain('radgate_stow_instances_total 2');
  expect(text).toMatch(
    /radgate_http_request_seconds_count\{method="GET",route="\/dicom-web\/studies\/:study",status="404"\} 1/,
  );
  for (const line of [
    'radgate_things{of="studies",state=""} 1',
    'radgate_things{of="instances",state=""} 2',
    'radgate_neighbour_up{neighbour="orthanc"} 1',
    'radgate_neighbour_up{neighbour="postgres"} 1',
  ])
    expect(text).toContain(line);
  expect(text).toMatch(/radgate_watcher_changes_behind \d+/);
  for (const secret of [study, 'METRIC-1', 'Metrik', sender.name, reader.name, reader.id, TOKEN])
    expect(text).not.toContain(secret);
});

it('tells nobody else', async () => {
  const { authorization } = await world.admin();
  for (const wrong of ['', 'Bearer ', `Bearer ${TOKEN}x`, TOKEN, authorization])
    await metrics(wrong).expect(401);
});
