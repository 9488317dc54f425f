import { beforeAll, describe, expect, it } from 'vitest';
import type { FaultyProxy, TestHapi } from '../support/hapi.ts';
import { isLong } from '../support/long.form.ts';
import type { World } from '../support/world.ts';
import { Clerk } from './import.world.ts';
import { cpfOf, list, row } from './lists.ts';
import type { Place } from './place.ts';

const ROWS = 60;
/** The permitted number of requests for fifty resources: two rounds of reads and one transaction, rounded up. */
const MOST_PER_FIFTY = 4;

let hapi: TestHapi;
let way: FaultyProxy;
let world: World;

const rows = (phone: string) => Array.from({ length: ROWS }, (_, at) => row(cpfOf(at + 1), { phone }));
const patients = (clerk: Clerk) => hapi.search(`Patient?identifier=${clerk.system}|`);

/** Undoes an import. Returns the number of resources of the import, and the number of requests that the undo sent. */
async function undo(clerk: Clerk, id: string): Promise<{ resources: number; requests: number }> {
  const [counted] = await world.sql`
    select count(distinct kind || resource_id)::int as resources from import_writes where import_id = ${id}`;
  const before = way.seen.length;
  await clerk.post(`/api/imports/${id}/undo`).expect(202);
  const isOver = async () => (await clerk.report(id))['finished_at'];
  await expect.poll(isOver, { timeout: 60_000 }).not.toBeNull();
  return { resources: Number(counted?.['resources']), requests: way.seen.length - before };
}

/** Defines the tests of the number of requests of an undo. */
export function undoRequestScenarios(place: () => Place): void {
  beforeAll(() => {
    ({ hapi, way, world } = place());
  });

  describe('undo of many resources', () => {
    let clerk: Clerk;
    let first: string;
    beforeAll(async () => {
      clerk = await Clerk.start(world);
      const done = await clerk.import(list(...rows('(11) 3333-4444')));
      expect(done.created).toBe(ROWS);
      first = done.file_id;
    });

    it('asks the FHIR server once for fifty of them, created or updated', async () => {
      const undone = async (who: Clerk, id: string, left: number) => {
        const { resources, requests } = await undo(who, id);
        expect(resources).toBeGreaterThan(ROWS);
        expect(requests).toBeLessThanOrEqual(MOST_PER_FIFTY * (Math.ceil(resources / 50) + 1));
        expect(await who.report(id)).toMatchObject({ status: 'undone', undo_conflicts: [] });
        const found = await patients(who);
        expect(found).toHaveLength(left);
        expect(found.every(({ telecom }) => JSON.stringify(telecom).includes('33334444'))).toBe(true);
      };
      const second = await clerk.import(list(...rows('(11) 3333-5555')));
      expect(second.updated).toBe(ROWS);
      await undone(clerk, second.file_id, ROWS);
      // In `npm test`, the next test undoes created resources.
      if (!isLong) return;
      const other = await Clerk.start(world);
      const { file_id: id } = await other.import(list(...rows('(11) 3333-4444')));
      await undone(other, id, 0);
    }, 120_000);

    it('finds the one that cannot go by halves, and takes the others back', async () => {
      const [patient] = await patients(clerk);
      const subject = { reference: `Patient/${String(patient?.['id'])}` };
      const body = { resourceType: 'Basic', code: { text: 'elsewhere' }, subject };
      const basic = await hapi.json('/Basic', { method: 'POST', body });
      const { resources, requests } = await undo(clerk, first);
      // The undo halves a failed batch to find the resource that fails. If the undo sent two requests for each row, it would exceed this
      // limit.
      const halving = 3 * 2 * Math.ceil(Math.log2(50));
      expect(requests).toBeLessThanOrEqual(MOST_PER_FIFTY * (Math.ceil(resources / 50) + 1) + halving);
      expect(await clerk.report(first)).toMatchObject({ undo_conflicts: [{ resource: subject.reference }] });
      expect(await patients(clerk)).toHaveLength(1);
      expect(basic).toMatchObject({ resourceType: 'Basic' });
    }, 120_000);
  });
}
