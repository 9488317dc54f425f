import { afterAll, beforeAll } from 'vitest';
import { startWorld, type World } from '../support/world.ts';
import { registerArchiveIdentity } from './archive.identity.scenarios.ts';
import { registerInterruptedUploads } from './interrupted.uploads.scenarios.ts';
import { registerStoppedGateway } from './stopped.gateway.scenarios.ts';
import { stopSweep } from './stopped.sweep.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await stopSweep(world);
});
afterAll(() => world?.stop());

// In these scenarios the change feed alone must be enough, because no sweep helps.
registerArchiveIdentity(() => world);
registerInterruptedUploads(() => world);
registerStoppedGateway(() => world);
