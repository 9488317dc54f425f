import { afterAll, beforeAll } from 'vitest';
import { startWorld, type World } from '../support/world.ts';
import { registerBatchIngest } from './batch.ingest.scenarios.ts';
import { registerRebuild } from './rebuild.scenarios.ts';
import { registerRefusedStatements } from './refused.statements.scenarios.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

// The first scenario compares the totals of catalog and archive. The last one puts instances into quarantine.
registerRebuild(() => world);
registerRefusedStatements(() => world);
registerBatchIngest(() => world);
