import { afterAll, beforeAll } from 'vitest';
import { startWorld } from '../support/world.ts';
import { registerCapabilities } from '../dicomweb/capabilities.scenarios.ts';
import { type Origins, registerCors, VIEWER } from './cors.scenarios.ts';

let origins: Origins;
beforeAll(async () => {
  const [open, closed] = await Promise.all([startWorld({ CORS_ORIGINS: VIEWER }), startWorld()]);
  origins = { open, closed };
});
afterAll(async () => {
  await Promise.all([origins?.open.stop(), origins?.closed.stop()]);
});

registerCors(() => origins);
registerCapabilities(() => origins);
