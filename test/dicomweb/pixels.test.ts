import { afterAll, beforeAll } from 'vitest';
import { startWorld, type World } from '../support/world.ts';
import { registerDocuments } from './documents.scenarios.ts';
import { registerFramesEncapsulated } from './frames.encapsulated.scenarios.ts';
import { registerPixelMutations } from './pixel.mutations.scenarios.ts';
import { registerRendered } from './rendered.scenarios.ts';
import { registerTranscoding } from './transcoding.scenarios.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

// These scenarios read the pixels of their own studies. They share one gateway.
registerTranscoding(() => world);
registerFramesEncapsulated(() => world);
registerRendered(() => world);
registerDocuments(() => world);
registerPixelMutations(() => world);
