import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { SHIPPED_MAPPINGS } from '../../src/mapping/defaults.js';
import { testHapi, type TestHapi } from '../support/hapi.ts';
import { startWorld, type World } from '../support/world.ts';
import { Clerk } from './import.world.ts';
import { cpfOf, list, row } from './lists.ts';

let hapi: TestHapi;
let world: World;
beforeAll(async () => {
  hapi = await testHapi();
  world = await startWorld({ FHIR_BASE_URL: hapi.url });
}, 200_000);
afterAll(() => world?.stop());

const Items = z.object({
  items: z.array(
    z.object({ row: z.number(), state: z.string(), issues: z.array(z.looseObject({ code: z.string() })) }),
  ),
});
const codesOf = async (clerk: Clerk, id: string) =>
  Items.parse((await clerk.get(`/api/imports/${id}/rows`).expect(200)).body).items.map(({ state, issues }) =>
    [state, ...issues.map(({ code }) => code).filter((code) => code !== 'cpf-check-digits')].join(' '),
  );

describe('identifiers of a list', () => {
  it.each(['error', 'first', 'merge'])(
    'no row is written that shares its second identifier with another first one (%s)',
    async (policy) => {
      const [brazil] = SHIPPED_MAPPINGS;
      const [cpf] = brazil?.identifiers ?? [];
      const own = `urn:test:${randomUUID()}`;
      const clerk = await Clerk.start(world, {
        identifiers: [
          { ...cpf, system: `${own}:cpf`, aliases: [] },
          // The list has no column for record numbers, so the test writes record numbers into the column for phone numbers.
          { column: 'phone', kind: 'text', system: `${own}:record`, use: 'secondary', type: 'MR' },
        ],
        patient: { ...brazil?.patient, phones: [] },
        policies: { ...brazil?.policies, duplicate_in_file: policy },
      });
      const file = list(
        row(cpfOf(1), { phone: '77' }),
        row(cpfOf(2), { phone: '77' }),
        row(cpfOf(3), { phone: '78' }),
        row(cpfOf(3), { phone: '78' }),
        row(cpfOf(4), { phone: '' }),
      );
      const done = await clerk.import(file);
      expect(await codesOf(clerk, done.file_id)).toEqual([
        'rejected identifier-shared',
        'rejected identifier-shared',
        'created',
        'duplicate duplicate-same',
        'created',
      ]);
      expect(await hapi.count(`Patient?identifier=${own}:record|77`)).toBe(0);
      expect(await hapi.count(`Patient?identifier=${own}:cpf|`)).toBe(2);
    },
    60_000,
  );

  it('a row that fits several patients of the server changes none of them', async () => {
    const clerk = await Clerk.start(world);
    const identifier = [{ system: clerk.system, value: cpfOf(9).replace(/\D/gu, '') }];
    const body = { resourceType: 'Patient', identifier, name: [{ family: 'Twice' }] };
    for (const _ of [1, 2]) await hapi.json('/Patient', { method: 'POST', body });
    const done = await clerk.import(list(row(cpfOf(9)), row(cpfOf(10))));
    expect(await codesOf(clerk, done.file_id)).toEqual(['rejected patient-several', 'created']);
    const [one, other] = await hapi.search(
      `Patient?identifier=${clerk.system}|${identifier[0]?.value ?? ''}`,
    );
    for (const patient of [one, other])
      expect(patient).toMatchObject({ name: [{ family: 'Twice' }], meta: { versionId: '1' } });
  }, 60_000);
});
