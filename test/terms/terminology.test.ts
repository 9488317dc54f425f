import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FhirRefused } from '../../src/fhir/fhir.errors.js';
import { TerminologyServer } from '../../src/fhir/terminology.server.js';
import { NeighbourAway } from '../../src/problems/errors.js';
import { Clerk } from '../imports/import.world.ts';
import { testHapi } from '../support/hapi.ts';
import { startWorld, type World } from '../support/world.ts';
import { GASTRITIS, inboxOf, listOfWords, SNOMED, termOf } from './inbox.world.ts';
import { RETIRED, snomedIn, type TerminologyProxy } from './snomed.server.ts';

let way: TerminologyProxy;
let world: World;
let clerk: Clerk;
beforeAll(async () => {
  const hapi = await testHapi();
  way = await snomedIn(hapi);
  world = await startWorld({
    FHIR_BASE_URL: hapi.url,
    TERMINOLOGY_URL: way.url,
    TERMINOLOGY_TOKEN: 'token-of-terms',
  });
  clerk = await Clerk.start(world);
  await clerk.import(
    listOfWords(1000, 'Empachose', 'K29.7', 'Gastrites!', 'entupimento', 'Nhonhonho', '64572001'),
  );
  await clerk.import(
    listOfWords(1100, 'Ligar 11 98888-7777', 'exciso', 'antigo', 'grávida?', 'lesão sumida'),
  );
}, 200_000);
afterAll(async () => {
  way?.be('well');
  await world?.stop();
  await way?.close();
});
beforeEach(() => {
  way.asked.length = 0;
});

const Suggestions = z.object({
  server: z.string(),
  items: z.array(
    z.object({
      source: z.string(),
      score: z.number(),
      target: z.object({
        kind: z.string(),
        coding: z.object({ code: z.string(), display: z.string().optional() }).optional(),
      }),
    }),
  ),
});
async function suggestionsFor(word: string) {
  const id = await termOf(clerk, word);
  const { body } = await clerk.get(`/api/terms/${id}/suggestions`).expect(200);
  return Suggestions.parse(body);
}
const served = (found: z.infer<typeof Suggestions>) =>
  found.items
    .filter(({ source }) => source === 'terminology-server')
    .map(({ target, score }) => [target.coding?.code, score]);
const decide = async (word: string, code: string) =>
  clerk.post(`/api/terms/${await termOf(clerk, word)}/decide`, {
    ...GASTRITIS,
    coding: { system: SNOMED, code },
  });

describe('suggestions of a terminology server', () => {
  it('are what its maps translate a word or an ICD-10 code to, equivalents only', async () => {
    const found = await suggestionsFor('Empachose');
    expect(found.server).toBe('asked');
    expect(found.items[0]).toMatchObject({ source: 'terminology-server', score: 1 });
    expect(served(found)).toEqual([['4556007', 1]]);
    expect(served(await suggestionsFor('K29.7'))).toEqual([['4556007', 1]]);
    expect(served(await suggestionsFor('entupimento'))).toEqual([]);
  });

  it('are the findings whose names are like it; of others, which a server found by itself, none', async () => {
    const found = await suggestionsFor('Gastrites');
    expect(served(found)).toEqual([['4556007', expect.any(Number)]]);
    expect(found.items[0]?.target.coding?.display).toBe('Gastritis');
    expect(served(await suggestionsFor('Nhonhonho'))).toEqual([]);
  });

  it('a code that was typed is one; words are asked for in bodies, with the token, once a day', async () => {
    expect((await suggestionsFor('64572001')).items[0]).toMatchObject({
      source: 'typed-code',
      target: { kind: 'condition', coding: { code: '64572001' } },
    });
    await suggestionsFor('lesão sumida');
    expect(way.asked.length).toBeGreaterThan(0);
    expect(
      way.asked.filter(({ path }) => !/^\/(ConceptMap|ValueSet|CodeSystem)\/\$[a-z-]+$/.test(path)),
    ).toEqual([]);
    expect(new Set(way.asked.map(({ authorization }) => authorization))).toEqual(
      new Set(['Bearer token-of-terms']),
    );
    way.asked.length = 0;
    await suggestionsFor('lesão sumida');
    expect(way.asked).toEqual([]);
    await world.sql`update terminology_answers set expires_at = now()`;
    await suggestionsFor('lesão sumida');
    expect(way.asked.length).toBeGreaterThan(0);
  });

  it('are not asked for what might say who somebody is', async () => {
    expect((await suggestionsFor('98888-7777')).server).toBe('withheld');
    expect(way.asked).toEqual([]);
  });
});

describe('a terminology server without ECL', () => {
  it('is asked for what is below a concept; of a set that it does not know it holds nothing', async () => {
    const server = new TerminologyServer({ TERMINOLOGY_URL: way.url, TERMINOLOGY_TOKEN: undefined });
    const found = await server.find({ system: SNOMED, below: '404684003' }, 'gastritis', 'en', 20);
    expect(found.map(({ code }) => code)).toContain('4556007');
    expect(found.map(({ code }) => code)).not.toContain('80146002');
    const unknown = `${SNOMED}?fhir_vs=ecl/<<71388002`;
    expect(await server.contains(unknown, SNOMED, '80146002')).toBe(false);
    await expect(server.find({ url: unknown }, 'appendix', 'en', 20)).rejects.toBeInstanceOf(FhirRefused);
    const none = new TerminologyServer({ TERMINOLOGY_URL: undefined, TERMINOLOGY_TOKEN: undefined });
    await expect(none.lookup(SNOMED, '4556007')).rejects.toBeInstanceOf(NeighbourAway);
  });
});

describe('a decision with a terminology server', () => {
  it('is refused for a code that is unknown, no longer in use or no finding', async () => {
    const unknown = await decide('exciso', '73211009');
    expect([unknown.status, unknown.body]).toMatchObject([422, { field: 'coding.code' }]);
    const old = await decide('exciso', RETIRED);
    expect([old.status, old.body]).toMatchObject([
      422,
      { detail: 'This concept is inactive. Use an active concept.' },
    ]);
    const procedure = await decide('exciso', '80146002');
    expect([procedure.status, procedure.body]).toMatchObject([
      422,
      { detail: expect.stringContaining('not a clinical finding') },
    ]);
    expect(await inboxOf(clerk, 'q=exciso&state=unmapped')).toMatchObject({ total: 1 });
  });

  it('is checked, and bears the name that the concept has', async () => {
    const id = await termOf(clerk, 'lesão sumida');
    const coding = { system: SNOMED, code: '4556007', display: 'What somebody typed' };
    const done = await clerk.post(`/api/terms/${id}/decide`, { kind: 'condition', coding }).expect(200);
    expect(done.body).toMatchObject({
      checked: true,
      target: { coding: { code: '4556007', display: 'Gastritis' } },
    });
    const pregnant = {
      kind: 'observation',
      code: { system: 'http://loinc.org', code: '82810-3' },
      value: [{ system: SNOMED, code: '77386006' }],
    };
    const doubtful = await termOf(clerk, 'grávida?');
    expect((await clerk.post(`/api/terms/${doubtful}/decide`, pregnant)).body).toMatchObject({
      checked: true,
    });
  });
});

describe('a terminology server that answers nonsense', () => {
  it('suggests nothing and checks nothing', async () => {
    await clerk.import(listOfWords(1300, 'Epilepsiaa'));
    way.be('mad');
    const found = await suggestionsFor('Epilepsiaa');
    expect(served(found)).toEqual([]);
    expect(found.items[0]).toMatchObject({ target: { coding: { code: '84757009' } } });
    const unchecked = await decide('Epilepsiaa', '24700007');
    expect([unchecked.status, unchecked.body]).toMatchObject([200, { checked: false }]);
    way.be('well');
  });
});

describe('while the terminology server does not answer', () => {
  it('decisions are taken unchecked, suggestions come from what is known, and soon nobody waits for it', async () => {
    await clerk.import(listOfWords(1200, 'Hipertensoo', 'Diabeticoo'));
    way.be('silent');
    // The three calls wait for the server at the same time.
    const [slow, found] = await Promise.all([
      decide('antigo', '34000006'),
      suggestionsFor('Hipertensoo'),
      suggestionsFor('Diabeticoo'),
    ]);
    expect([slow.status, slow.body]).toMatchObject([
      200,
      { checked: false, target: { coding: { display: "Crohn's disease" } } },
    ]);
    expect(found.server).toBe('away');
    expect(found.items[0]).toMatchObject({ target: { coding: { code: '38341003' } } });
    // After these calls, the circuit breaker is open. The next call therefore sends nothing to the server.
    way.asked.length = 0;
    expect((await suggestionsFor('Diabeticoo')).server).toBe('away');
    expect(way.asked).toEqual([]);
    const logged = await world.gateway.logged();
    for (const word of ['Hipertensoo', 'Empachose', 'token-of-terms']) expect(logged).not.toContain(word);
  }, 60_000);
});
