import { afterAll, beforeAll } from 'vitest';
import { startWorld, type World } from '../support/world.ts';
import { registerDeidentified } from './deidentified.scenarios.ts';
import { registerArchive } from './archive.scenarios.ts';
import { registerQidoFields } from './qido.fields.scenarios.ts';
import { registerQidoLists } from './qido.lists.scenarios.ts';
import { registerQidoMatching } from './qido.matching.scenarios.ts';
import { registerQidoOldEquipment } from './qido.old.equipment.scenarios.ts';
import { registerQido } from './qido.scenarios.ts';
import { type Searching, storeSearched } from './qido.world.ts';
import { registerStudyList } from './study.list.scenarios.ts';
import { registerWadoFrames } from './wado.frames.scenarios.ts';
import { registerWado } from './wado.scenarios.ts';
import { registerWadoUri } from './wado-uri.scenarios.ts';
import { type Retrieval, storeRetrieved } from './wado.world.ts';

let world: World;
let searching: Searching;
let retrieval: Retrieval;
beforeAll(async () => {
  world = await startWorld();
  searching = await storeSearched(world);
  retrieval = await storeRetrieved(world);
});
afterAll(() => world?.stop());

// These scenarios share their studies, because they only read.
registerQido(() => searching);
registerQidoMatching(() => searching);
registerQidoFields(() => searching);
registerQidoLists(() => searching);
registerStudyList(() => searching);
registerWado(() => retrieval);
registerArchive(() => retrieval);
registerWadoFrames(() => retrieval);
registerWadoUri(() => retrieval);
registerDeidentified(() => retrieval);
// The last scenario rebuilds the catalog.
registerQidoOldEquipment(() => world);
