import { afterAll, beforeAll } from 'vitest';
import { startWorld, type World } from '../support/world.ts';
import { registerEvasion } from './evasion.scenarios.ts';
import { registerEveryRoute } from './every.route.scenarios.ts';
import { registerSearch } from './search.scenarios.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

// The first scenario counts all groups that were created.
registerEvasion(() => world);
registerSearch(() => world);
registerEveryRoute(() => world);
