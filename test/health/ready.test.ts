import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestGateway } from '../support/gateway.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

it('any number of concurrent probes is one request to each neighbour', async () => {
  let asked = 0;
  const archive = createServer((incoming, answer) => {
    if (incoming.url === '/system') asked += 1;
    answer.writeHead(503).end();
  }).listen(0, '127.0.0.1');
  await once(archive, 'listening');
  const address = archive.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const { PORT: _, DATA_DIR: __, ...env } = world.gateway.env;
  const gateway = await startTestGateway({ ...env, ORTHANC_URL: `http://127.0.0.1:${port}` });
  try {
    const answers = await Promise.all(
      Array.from({ length: 300 }, async () => (await fetch(`${gateway.url}/health/ready`)).json()),
    );
    for (const answer of answers)
      expect(answer).toMatchObject({
        status: 'unavailable',
        neighbours: { postgres: 'up', orthanc: 'away' },
      });
    // The limit is not lower, because the watcher also sends requests to the archive.
    expect(asked).toBeLessThan(30);
  } finally {
    await gateway.stop();
    archive.close();
  }
});

it('a neighbour that never completes its answer counts as away', async () => {
  const archive = createServer((_, answer) => {
    answer.writeHead(200, { 'content-type': 'application/json' });
    // Bytes arrive continuously, so no idle timeout ends the request.
    const drip = setInterval(() => answer.write(' '), 100);
    answer.once('close', () => clearInterval(drip));
  }).listen(0, '127.0.0.1');
  await once(archive, 'listening');
  const address = archive.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const { PORT: _, DATA_DIR: __, ...env } = world.gateway.env;
  const gateway = await startTestGateway({ ...env, ORTHANC_URL: `http://127.0.0.1:${port}` });
  try {
    const answer = await fetch(`${gateway.url}/health/ready`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ status: 'unavailable', neighbours: { orthanc: 'away' } });
    const head = await fetch(`${gateway.url}/health/ready`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([503, '']);
  } finally {
    archive.close();
    archive.closeAllConnections();
    await gateway.stop();
  }
});

it('HEAD is answered as GET is, without a body', async () => {
  for (const path of ['/health/live', '/health/ready']) {
    const answer = await fetch(`${world.gateway.url}${path}`, { method: 'HEAD' });
    expect([path, answer.status, await answer.text()]).toEqual([path, 200, '']);
  }
});
