import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { cacheFolder, providePrefix } from '../../infra/local/prefix.ts';
import { registerPixelMutations } from '../dicomweb/pixel.mutations.scenarios.ts';
import { startOwnOrthanc } from '../support/archives.ts';
import { type World, worldOn } from '../support/world.ts';
import { tell } from './resident.memory.ts';

let world: World;
beforeAll(async () => {
  const prefix = await providePrefix(cacheFolder(), tell, 'sid');
  world = await worldOn(startOwnOrthanc(prefix));
}, 600_000);
afterAll(() => world?.stop());

it('the archive is the newest Orthanc of Debian unstable', async () => {
  const { Version } = z.object({ Version: z.string() }).parse(await (await world.archive('/system')).json());
  tell(`Orthanc ${Version}`);
  const [major = 0, minor = 0] = Version.split('.').map(Number);
  expect(major * 100 + minor).toBeGreaterThanOrEqual(113);
});

registerPixelMutations(() => world);
