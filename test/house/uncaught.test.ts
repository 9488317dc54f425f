import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestGateway } from '../support/gateway.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

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
