import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestGateway } from '../support/gateway.ts';
import { startWorld, type World } from '../support/world.ts';
import { rotateUnderLoad } from './rotation.load.ts';

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

test('keys that change every five seconds refuse no token at either of two gateways', async () => {
  const urls = [world.gateway.url, other.url];
  const outcome = await rotateUnderLoad(world, urls, { seconds: 18, perSecond: 40, hurry: 8 });
  expect(outcome.statuses).toEqual({ 200: expect.any(Number) });
  expect(outcome.keys).toBeGreaterThan(1);
});
