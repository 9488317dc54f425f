import { beforeAll, describe, expect, it } from 'vitest';
import type { World } from '../support/world.ts';
import { bigInstance, openStore } from './stow.answers.ts';

const MB = 1024 * 1024;

/** More than the gateway sends to the archive at the same time. */
const SENDERS = 17;

let world: World;

/** The scenarios of one account with many stalled uploads. */
export function registerStowFairness(given: () => World): void {
  describe('stalled uploads', () => {
    beforeAll(async () => {
      world = given();
    });

    describe('fairness between senders', () => {
      it('an account with any number of stalled large uploads does not block others', async () => {
        const greedy = await world.machine([{ rights: ['studies:store'], scope: { kind: 'own-uploads' } }]);
        const other = await world.machine();
        const begun = Array.from({ length: SENDERS }, () => openStore(world, greedy));
        for (const store of begun) {
          await store.write(store.part);
          await store.write(bigInstance(2 * MB).subarray(0, 1.5 * MB));
        }
        // The first uploads hold their slots.
        await expect
          .poll(() => world.sql`select count(*)::int as count from pending`, { timeout: 10_000 })
          .toEqual([{ count: begun.length }]);
        await world.store(other, [bigInstance(2 * MB)]).expect(200);
        for (const store of begun) store.request.destroy();
        await world.store(greedy, [bigInstance(2 * MB)]).expect(200);
      });
    });
  });
}
