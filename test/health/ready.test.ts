import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { startWorld, type World } from '../support/world.ts';
import { registerHandledErrors } from './handled.errors.scenarios.ts';
import { registerSealing } from './sealing.scenarios.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

it('HEAD is answered as GET is, without a body', async () => {
  for (const path of ['/health/live', '/health/ready']) {
    const answer = await fetch(`${world.gateway.url}${path}`, { method: 'HEAD' });
    expect([path, answer.status, await answer.text()]).toEqual([path, 200, '']);
  }
});

describe('a neighbour that never completes its answer', () => {
  let asked = 0;
  const archive = createServer((incoming, answer) => {
    if (incoming.url === '/system') asked += 1;
    answer.writeHead(200, { 'content-type': 'application/json' });
    // Bytes arrive continuously, so no idle timeout ends the request.
    const drip = setInterval(() => answer.write(' '), 100);
    answer.once('close', () => clearInterval(drip));
  });
  let gateway: TestGateway;
  beforeAll(async () => {
    await once(archive.listen(0, '127.0.0.1'), 'listening');
    const address = archive.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const { PORT: _, DATA_DIR: __, ...env } = world.gateway.env;
    gateway = await startTestGateway({ ...env, ORTHANC_URL: `http://127.0.0.1:${port}` });
  });
  afterAll(async () => {
    archive.close();
    archive.closeAllConnections();
    await gateway?.leave();
  });

  it('is asked once for any number of concurrent probes', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, async () => (await fetch(`${gateway.url}/health/ready`)).json()),
    );
    for (const answer of answers)
      expect(answer).toMatchObject({
        status: 'unavailable',
        neighbours: { postgres: 'up', orthanc: 'away' },
      });
    // The limit is not lower, because the watcher also sends requests to the archive.
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThan(30);
  });

  it('counts as away', async () => {
    const answer = await fetch(`${gateway.url}/health/ready`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ status: 'unavailable', neighbours: { orthanc: 'away' } });
    const head = await fetch(`${gateway.url}/health/ready`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([503, '']);
  });
});

registerHandledErrors(() => world);
registerSealing(() => world);
