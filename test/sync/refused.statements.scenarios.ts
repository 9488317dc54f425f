import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { catalogued } from '../dicomweb/stow.answers.ts';
import type { World } from '../support/world.ts';

const SOON = { timeout: 5000, interval: 100 };

let world: World;

/** Stores an instance in the archive. Resolves when the gateway has tried to insert it. */
async function bring(studyUid: string): Promise<void> {
  const body = new Uint8Array(makeInstance({ studyUid }));
  expect((await world.archive('/instances', { method: 'POST', body })).status).toBe(200);
  const { Last: last } = z
    .object({ Last: z.number() })
    .parse(await (await world.archive('/changes?last')).json());
  const position = async () => (await world.sql`select position from archive_cursor`)[0]?.['position'];
  await expect.poll(async () => Number(await position()), SOON).toBeGreaterThanOrEqual(last);
}

/** The scenarios of statements that PostgreSQL refuses. Nothing may be in quarantine. */
export function registerRefusedStatements(given: () => World): void {
  describe('refused statements', () => {
    beforeAll(async () => {
      world = given();
      await world.sql`
    create function refuse() returns trigger language plpgsql as $$
    begin raise exception 'refused' using errcode = tg_argv[0]; end $$`;
    });

    it.each([
      ['disk full', '53100'],
      ['too many connections', '53300'],
      ['statement timeout', '57014'],
    ])('an instance that PostgreSQL refuses with "%s" is not quarantined', async (_, state) => {
      const studyUid = freshUid();
      await world.sql.unsafe(
        `create trigger refuse before insert on instances for each row execute function refuse('${state}')`,
      );
      try {
        await bring(studyUid);
        expect(await world.sql`select orthanc_id from quarantined`).toEqual([]);
      } finally {
        await world.sql`drop trigger refuse on instances`;
      }
      await expect.poll(() => catalogued(world, studyUid), SOON).toMatchObject({ instances: 1, counted: 1 });
    });
  });
}
