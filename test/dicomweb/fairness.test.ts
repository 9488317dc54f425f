import { afterAll, beforeAll } from 'vitest';
import { startWorld, type World } from '../support/world.ts';
import { registerStowFairness } from './stow.fairness.scenarios.ts';
import { registerWadoFairness } from './wado.fairness.scenarios.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

registerStowFairness(() => world);
registerWadoFairness(() => world);
