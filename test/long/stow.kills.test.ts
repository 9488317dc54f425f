import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { killRound, type Round, type Victim } from '../dicomweb/stow.kills.ts';
import { startOwnWorld, type Caller, type OwnWorld } from '../support/world.ts';
import { tell } from './resident.memory.ts';

const rounds = Number(process.env['RADGATE_KILL_ROUNDS'] ?? (process.env['RADGATE_FULL'] === '1' ? 20 : 8));
const INSTANCES = 600;

// The test takes a quarter of an hour, so only vitest.long.config.ts runs it.
describe('kill -9 at random moments of a 600-instance STOW', () => {
  let world: OwnWorld;
  let sender: Caller;
  beforeAll(async () => {
    world = await startOwnWorld();
    sender = await world.machine();
  });
  afterAll(() => world?.stop());

  it.each<Victim>(['gateway', 'orthanc'])('of the %s', async (victim) => {
    const all: Round[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const one = await killRound(world, sender, victim, INSTANCES);
      all.push(one);
      tell(
        `${victim} ${round}: ${one.acknowledged} of ${INSTANCES} acknowledged, agreed after ${one.agreed.toFixed(1)} s`,
      );
    }
    const slowest = Math.max(...all.map(({ agreed }) => agreed));
    tell(
      `${victim}: ${rounds} rounds, nothing lost, nothing half, slowest agreement ${slowest.toFixed(1)} s`,
    );
    expect(slowest).toBeLessThan(60);
  });
});
