import { afterAll, beforeAll } from 'vitest';
import { startWorld, type World } from '../support/world.ts';
import { registerSession } from './session.scenarios.ts';
import { registerSessionsList } from './sessions.list.scenarios.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld({ PUBLIC_URL: 'https://radgate.test' });
});
afterAll(() => world?.stop());

registerSession(() => world);
registerSessionsList(() => world);
