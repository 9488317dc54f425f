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

it('any number of questions at once is one question to the neighbours', async () => {
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
    // The watcher asks, too.
    expect(asked).toBeLessThan(30);
  } finally {
    await gateway.stop();
    archive.close();
  }
});
