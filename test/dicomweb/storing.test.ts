import { afterAll, beforeAll } from 'vitest';
import { startWorld, type World } from '../support/world.ts';
import { registerDelete } from './delete.scenarios.ts';
import { registerHostileHeader } from './hostile.header.scenarios.ts';
import { registerStoreIsolation } from './isolation.scenarios.ts';
import { registerMultipartHostile } from './multipart.hostile.scenarios.ts';
import { registerOddUids } from './odd.uids.scenarios.ts';
import { registerQidoHostile } from './qido.hostile.scenarios.ts';
import { registerStowAnnotate } from './stow.annotate.scenarios.ts';
import { registerStowScopes } from './stow.scopes.scenarios.ts';
import { registerStowTogether } from './stow.together.scenarios.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld({ DELETE_MODE: 'remove' });
});
afterAll(() => world?.stop());

// These scenarios store their own studies. They share one gateway, because its start takes longer than most of them. The archive must be
// empty before the first one.
registerHostileHeader(() => world);
registerStoreIsolation(() => world);
registerOddUids(() => world);
registerStowScopes(() => world);
registerStowAnnotate(() => world);
registerMultipartHostile(() => world);
registerStowTogether(() => world);
registerQidoHostile(() => world);
registerDelete(() => world);
