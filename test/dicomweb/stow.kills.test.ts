import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOwnWorld, type Caller, type OwnWorld } from '../support/world.ts';
import { killRound } from './stow.kills.ts';

let world: OwnWorld;
let sender: Caller;
beforeAll(async () => {
  world = await startOwnWorld();
  sender = await world.machine();
});
afterAll(() => world?.stop());

// test/long runs twenty rounds of 600 instances each.
describe('kill -9 at a random moment of many stores', () => {
  it.each(['gateway', 'orthanc'] as const)(
    'of the %s: nothing acknowledged is missing, nothing half is there, the repeat is clean',
    { timeout: 120_000 },
    async (victim) => {
      const { agreed } = await killRound(world, sender, victim, 60);
      expect(agreed).toBeLessThan(60);
    },
  );
});
