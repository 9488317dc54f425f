import { afterAll, beforeAll } from 'vitest';
import { startWorld, type World } from '../support/world.ts';
import { registerBulkKinds } from './bulk.kinds.scenarios.ts';
import { registerContested } from './contested.scenarios.ts';
import { registerMetadata } from './metadata.scenarios.ts';
import { registerMetadataCharset } from './metadata.charset.scenarios.ts';
import { registerMetadataValues } from './metadata.values.scenarios.ts';
import { registerMetadataXml } from './metadata.xml.scenarios.ts';
import { registerUnreadableHeaders } from './unreadable.headers.scenarios.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

// These scenarios read their own studies. They share one gateway, because its start takes longer than most of them.
registerMetadata(() => world);
registerMetadataXml(() => world);
registerMetadataCharset(() => world);
registerMetadataValues(() => world);
registerBulkKinds(() => world);
registerUnreadableHeaders(() => world);
registerContested(() => world);
