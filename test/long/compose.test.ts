import { afterAll, beforeAll, describe } from 'vitest';
import { registerBackup } from './compose/backup.scenarios.ts';
import { ComposeWorld } from './compose/compose.world.ts';
import { registerIsolation } from './compose/isolation.scenarios.ts';
import { registerLoss } from './compose/loss.scenarios.ts';
import { registerOverrides } from './compose/override.scenarios.ts';
import { registerStart } from './compose/start.scenarios.ts';
import { registerUpgrade } from './compose/upgrade.scenarios.ts';
import { registerUse } from './compose/use.scenarios.ts';

// Needs root, since it starts a container engine. test/house/compose.test.ts is the short form without one.
describe('docker compose', () => {
  let world: ComposeWorld;
  beforeAll(async () => {
    world = await ComposeWorld.prepare();
  }, 1_200_000);
  afterAll(() => world?.stop(), 120_000);

  describe('the first start', () => registerStart(() => world));
  describe('the networks and file systems', () => registerIsolation(() => world));
  describe('in use', () => registerUse(() => world));
  describe('kills and restarts', () => registerLoss(() => world));
  describe('backup and restore', () => registerBackup(() => world));
  describe('upgrade', () => registerUpgrade(() => world));
  describe('overrides', () => registerOverrides(() => world));
});
