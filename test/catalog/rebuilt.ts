import { vi } from 'vitest';
import type { World } from '../support/world.ts';

/** Requests a rebuild of the catalog and waits until the rebuild has ended. */
export async function rebuilt(world: World): Promise<void> {
  const { authorization } = await world.admin();
  const ask = (method: 'get' | 'post') =>
    world.http[method]('/api/catalog/rebuild').set('authorization', authorization);
  await ask('post').expect(202);
  await vi.waitFor(
    async () => {
      const { text } = await ask('get').expect(200);
      if (!text.includes('"completed"')) throw new Error(`the rebuild is not done: ${text}`);
    },
    { timeout: 25_000, interval: 200 },
  );
}
