import { afterAll, beforeAll, expect, test } from 'vitest';
import { rotateUnderLoad } from '../authn/rotation.load.ts';
import type { TestGateway } from '../support/gateway.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
let other: TestGateway;

beforeAll(async () => {
  world = await startWorld({ PUBLIC_URL: 'http://radgate.test' });
  other = await world.secondGateway();
});
afterAll(async () => {
  await other.stop();
  await world.stop();
});

test('keys rotated every five seconds for a minute under 200 requests a second: no unexpected 401', async () => {
  const urls = [world.gateway.url, other.url];
  const outcome = await rotateUnderLoad(world, urls, { seconds: 60, perSecond: 200, hurry: 0 });
  console.info(`rotation under load: ${JSON.stringify(outcome)}`);
  expect(outcome.statuses).toEqual({ 200: expect.any(Number) });
  expect(outcome.keys).toBeGreaterThan(3);
});
