import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { testHapi } from '../support/hapi.ts';
import { longForm } from '../support/long.form.ts';
import { startWorld, type World } from '../support/world.ts';
import { Clerk, countedRows } from './import.world.ts';
import { type BrazilCells, cpfOf, list, row } from './lists.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld({ FHIR_BASE_URL: (await testHapi()).url });
}, 200_000);
afterAll(() => world?.stop());

const RUNS = longForm(8, 2);
const Items = z.object({ items: z.array(z.object({ row: z.number(), state: z.string() })) });

/** A row. It may be valid or invalid, may belong to a patient of another row or file, and may have an unknown word. */
const anyRow = fc
  .record({
    patient: fc.integer({ min: 0, max: 12 }),
    phone: fc.constantFrom('(11) 3333-4444', '(11) 98888-7777', '123', ''),
    note: fc.constantFrom(
      '',
      'Diabético',
      'Gestante',
      'Hipertenso|Diabético',
      'palavra desconhecida',
      'não diabético',
    ),
    gender: fc.constantFrom('Feminino', 'Feminino', 'Masculino', 'zzz'),
    birth: fc.constantFrom('01/02/1980', '01/02/1980', '31/02/1980', ''),
    cut: fc.constantFrom(false, false, false, false, true),
  })
  .map(({ patient, cut, ...cells }: BrazilCells & { patient: number; cut: boolean }) =>
    row(cpfOf(patient), cells).slice(0, cut ? 3 : 7),
  );

async function statesOf(clerk: Clerk, id: string): Promise<string[]> {
  const rows = await clerk.get(`/api/imports/${id}/rows?limit=1000`).expect(200);
  return Items.parse(rows.body).items.map(({ row: number, state }) => `${number} ${state}`);
}

it('every row is in one count and has the outcome of the rehearsal; the same list again writes nothing', async () => {
  const clerk = await Clerk.start(world);
  const files = fc.array(anyRow, { minLength: 1, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(files, async (rows) => {
      const file = list(...rows);
      const rehearsed = await clerk.import(file, { mode: 'rehearse', force: 'true' });
      expect(rehearsed).toMatchObject({ status: 'rehearsed', rows_total: rows.length });
      expect(countedRows(rehearsed)).toBe(rows.length);
      const said = await statesOf(clerk, rehearsed.file_id);
      const open = rehearsed.rows_total - rehearsed.rejected - rehearsed.duplicate;
      await clerk.post(`/api/imports/${rehearsed.file_id}/commit`).expect(open > 0 ? 202 : 409);
      const done = await clerk.ended(rehearsed.file_id);
      expect(countedRows(done)).toBe(rows.length);
      expect(await statesOf(clerk, done.file_id)).toEqual(said);
      const again = await clerk.import(file, { force: 'true' });
      expect(again).toMatchObject({ created: 0, updated: 0, rejected: done.rejected, waiting: done.waiting });
    }),
    { numRuns: RUNS },
  );
}, 240_000);
