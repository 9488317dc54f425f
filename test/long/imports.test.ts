import { afterAll, beforeAll, describe, it } from 'vitest';
import { badDay, Weather } from '../imports/bad.day.ts';
import { faultyWay, testHapi, type FaultyWay, type TestHapi } from '../support/hapi.ts';
import { startWorld, type World } from '../support/world.ts';

const weather = new Weather();
let hapi: TestHapi;
let way: FaultyWay;
let world: World;
beforeAll(async () => {
  hapi = await testHapi();
  way = await faultyWay(hapi.url, (_method, _path, count) => weather.fate(count));
  world = await startWorld({ FHIR_BASE_URL: way.url });
}, 300_000);
afterAll(async () => {
  await world?.stop();
  await way?.close();
});

describe('ten thousand rows on a bad day', () => {
  it('are the resources of a good day: three kills, a minute of 503, one answer in twenty lost', async () => {
    await badDay({ hapi, way, weather, world: () => world }, { rows: 10_000, awayMs: 60_000 });
  });
});
