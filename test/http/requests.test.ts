import { afterAll, beforeAll } from 'vitest';
import { registerOddIdentifiers } from '../authz/odd.identifiers.scenarios.ts';
import { registerDocument } from '../openapi/document.scenarios.ts';
import { startWorld, type World } from '../support/world.ts';
import { registerAnswers } from './answers.scenarios.ts';
import { registerEarlyRefusals } from './early.refusals.scenarios.ts';
import { registerHostile } from './hostile.scenarios.ts';
import { registerProblemCodes } from './problem.codes.scenarios.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

// The first scenario searches for all patients of the archive.
registerOddIdentifiers(() => world);
registerProblemCodes(() => world);
registerAnswers(() => world);
registerHostile(() => world);
registerEarlyRefusals(() => world);
registerDocument(() => world);
