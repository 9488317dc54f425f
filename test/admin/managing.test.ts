import { afterAll, beforeAll } from 'vitest';
import { startWorld, type World } from '../support/world.ts';
import { registerAdministration } from './administration.scenarios.ts';
import { registerExplain } from './explain.scenarios.ts';
import { registerFilters } from './filters.scenarios.ts';
import { registerGrants } from './grants.scenarios.ts';
import { registerKeys } from './keys.scenarios.ts';
import { registerOwnStudy } from './own.study.scenarios.ts';
import { registerSenders, registerSilentSender } from './senders.scenarios.ts';
import { registerTogether } from './together.scenarios.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld({ TRUSTED_PROXIES: '127.0.0.1' });
});
afterAll(() => world?.stop());

// The filters are tested with the lists of all people and machine accounts, and the explanations with the lists of all studies.
registerFilters(() => world);
registerExplain(() => world);
registerOwnStudy(() => world);
registerSenders(() => world);
registerKeys(() => world);
registerGrants(() => world);
registerAdministration(() => world);
registerSilentSender();
registerTogether(() => world);
