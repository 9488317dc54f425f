import { afterAll, beforeAll } from 'vitest';
import { startWorld, type World } from '../support/world.ts';
import { registerAdministration } from './administration.scenarios.ts';
import { registerExplain } from './explain.scenarios.ts';
import { registerFilters } from './filters.scenarios.ts';
import { registerGrants } from './grants.scenarios.ts';
import { registerOwnStudy } from './own.study.scenarios.ts';
import { registerTogether } from './together.scenarios.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

// The filters are tested with the lists of all people and machine accounts, and the explanations with the lists of all studies.
registerFilters(() => world);
registerExplain(() => world);
registerOwnStudy(() => world);
registerGrants(() => world);
registerAdministration(() => world);
registerTogether(() => world);
