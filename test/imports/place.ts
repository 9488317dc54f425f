import { afterAll, beforeAll } from 'vitest';
import { type Fate, type FaultyProxy, startFaultyProxy, testHapi, type TestHapi } from '../support/hapi.ts';
import { startWorld, type World } from '../support/world.ts';

/** HAPI, a proxy in front of it, and a world that uses the proxy. `setFate` chooses the fault of each request by its number. */
export interface Place {
  readonly hapi: TestHapi;
  readonly way: FaultyProxy;
  readonly world: World;
  readonly setFate: (fate: (count: number) => Fate) => void;
}

const pass = (_count: number): Fate => 'pass';

/** Starts one place for the scenarios of a test file. The returned function gives the place, which exists when the first test runs. */
export function startPlace(): () => Place {
  let place: Place | undefined;
  beforeAll(async () => {
    let fate = pass;
    const hapi = await testHapi();
    const way = await startFaultyProxy(hapi.url, (_method, _path, count) => fate(count));
    const setFate = (next: typeof fate) => void (fate = next);
    place = { hapi, way, world: await startWorld({ FHIR_BASE_URL: way.url }), setFate };
  }, 200_000);
  afterAll(async () => {
    await place?.world.stop();
    await place?.way.close();
  });
  return () => {
    if (place === undefined) throw new Error('The place has not started.');
    return place;
  };
}
