import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { SHIPPED_MAPPINGS } from '../../src/mapping/defaults.js';
import type { TestHapi } from '../support/hapi.ts';
import { longForm } from '../support/long.form.ts';
import type { World } from '../support/world.ts';
import { Clerk } from './import.world.ts';
import { cpfOf, list, row } from './lists.ts';
import type { Place } from './place.ts';

let hapi: TestHapi;
let world: World;

const Items = z.object({
  items: z.array(
    z.object({
      row: z.number(),
      line: z.number(),
      state: z.string(),
      issues: z.array(z.looseObject({ code: z.string(), other_row: z.number().optional() })),
    }),
  ),
});
const codesOf = async (clerk: Clerk, id: string) =>
  Items.parse((await clerk.get(`/api/imports/${id}/rows`).expect(200)).body).items.map(({ state, issues }) =>
    [
      state,
      ...issues
        .filter(({ code }) => code !== 'cpf-check-digits')
        .map(({ code, other_row: other }) => (other === undefined ? code : `${code} ${other}`)),
    ].join(' '),
  );

const weights = (...rows: readonly [weight: string, weighed: string][]) =>
  Buffer.from(
    `Nome,CPF,weight,weighed\n${rows.map(([weight, weighed]) => `Ana Souza,${cpfOf(1)},${weight},${weighed}`).join('\n')}\n`,
  );

/** Defines the tests of shared identifiers and of results in several rows. */
export function identifierScenarios(place: () => Place): void {
  beforeAll(() => {
    ({ hapi, world } = place());
  });

  describe('identifiers of a list', () => {
    it.each(longForm(['error', 'first', 'merge'], ['error', 'merge']))(
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
          'rejected identifier-shared 3',
          'rejected identifier-shared 2',
          'created',
          'duplicate duplicate-same 4',
          'created',
        ]);
        expect(await hapi.count(`Patient?identifier=${own}:record|77`)).toBe(0);
        expect(await hapi.count(`Patient?identifier=${own}:cpf|`)).toBe(2);
      },
      60_000,
    );

    it('a row that fits several patients of the server waits and changes no patient', async () => {
      const clerk = await Clerk.start(world);
      const identifier = [{ system: clerk.system, value: cpfOf(9).replace(/\D/gu, '') }];
      const body = { resourceType: 'Patient', identifier, name: [{ family: 'Twice' }] };
      for (const _ of [1, 2]) await hapi.json('/Patient', { method: 'POST', body });
      const done = await clerk.import(list(row(cpfOf(9)), row(cpfOf(10))));
      expect(await codesOf(clerk, done.file_id)).toEqual([
        'waiting patient-several identity-review',
        'created',
      ]);
      const [one, other] = await hapi.search(
        `Patient?identifier=${clerk.system}|${identifier[0]?.value ?? ''}`,
      );
      for (const patient of [one, other])
        expect(patient).toMatchObject({ name: [{ family: 'Twice' }], meta: { versionId: '1' } });
    }, 60_000);
  });

  describe('results of a list', () => {
    const [brazil] = SHIPPED_MAPPINGS;
    const changes = {
      source: { ...brazil?.source, zone: 'America/Sao_Paulo' },
      columns: { ...brazil?.columns, weight: {}, weighed: { type: 'date', formats: ['yyyy-MM-dd'] } },
      observations: [
        {
          name: 'body_weight',
          kind: 'quantity',
          category: 'vital-signs',
          code: { system: 'http://loinc.org', code: '29463-7' },
          value: { copy: 'weight' },
          date: { copy: 'weighed' },
          quantity: { unit: 'kg', ucum: 'kg' },
        },
      ],
      policies: { ...brazil?.policies, duplicate_in_file: 'merge' },
    };

    it('keep their time, are never overwritten in silence, and are corrected when the upload says so', async () => {
      const clerk = await Clerk.start(world, changes);
      const stored = async () => {
        const found = await hapi.search(`Observation?subject:Patient.identifier=${clerk.system}|`);
        const results = z
          .array(
            z.looseObject({
              id: z.string(),
              status: z.string(),
              effectiveDateTime: z.string(),
              valueQuantity: z.looseObject({ value: z.number() }),
            }),
          )
          .parse(found);
        return results.sort((one, other) => (one.effectiveDateTime < other.effectiveDateTime ? -1 : 1));
      };
      const values = async () =>
        (await stored()).map(({ status, effectiveDateTime, valueQuantity }) =>
          [status, effectiveDateTime, valueQuantity.value].join(' '),
        );
      const day = weights(['70', '2026-01-02 08:00'], ['71', '2026-01-02 20:00'], ['7100', '2026-01-03']);
      const first = await clerk.import(day);
      expect(await codesOf(clerk, first.file_id)).toEqual([
        'created',
        'duplicate duplicate-merged 2',
        'duplicate duplicate-merged 2',
      ]);
      const written = ['final 2026-01-02T08:00:00-03:00 70', 'final 2026-01-02T20:00:00-03:00 71'];
      expect(await values()).toEqual(written);

      const again = await clerk.import(day, { force: 'true' });
      expect(again).toMatchObject({ created: 0, updated: 0, unchanged: 1 });
      const changed = weights(['72', '2026-01-02T11:00Z']);
      const refused = await clerk.import(changed);
      expect(await codesOf(clerk, refused.file_id)).toEqual(['rejected result-conflict']);
      expect(await values()).toEqual(written);

      const amended = await clerk.import(changed, { corrections: 'amend' });
      expect(await codesOf(clerk, amended.file_id)).toEqual(['updated']);
      expect(await values()).toEqual(['corrected 2026-01-02T08:00:00-03:00 72', written[1]]);
      const [corrected] = await stored();
      expect(await hapi.count(`Provenance?target=Observation/${corrected?.id ?? ''}`)).toBe(2);
      await clerk.post(`/api/imports/${amended.file_id}/undo`).expect(202);
      await expect.poll(async () => (await clerk.report(amended.file_id)).status).toBe('undone');
      expect(await values()).toEqual(written);

      for (const weight of ['80', '81', '80']) await clerk.import(weights([weight, '']), { force: 'true' });
      expect((await values()).filter((one) => /8\d$/.test(one))).toHaveLength(2);
    }, 60_000);
  });
}
