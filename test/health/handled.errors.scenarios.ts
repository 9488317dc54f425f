import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { bigInstance, openStore } from '../dicomweb/stow.answers.ts';
import type { World } from '../support/world.ts';

const SOON = { timeout: 20_000, interval: 250 };

let world: World;

/** Makes every statement on a table fail, as a full disk or a broken index would. */
async function breakTable(table: string, when: string): Promise<void> {
  await world.sql.unsafe(`
    create function fail_${table}() returns trigger language plpgsql as
      $$ begin raise exception 'the value of a patient' using errcode = 'disk_full'; end $$;
    create trigger fail before ${when} on ${table} for each row execute function fail_${table}()`);
}

const mend = (table: string) =>
  world.sql.unsafe(`drop trigger fail on ${table}; drop function fail_${table}()`);

/** The value of the metric for handled errors with this label `work`. */
async function handled(work: string): Promise<number> {
  const [, count] =
    new RegExp(`radgate_handled_errors_total\\{work="${work}"\\} (\\d+)`).exec(
      await world.gateway.metrics(),
    ) ?? [];
  return Number(count ?? 0);
}

/** Checks that the log names the failed task and the code of the error, but does not contain the text of the error. */
async function isLogged(work: string): Promise<void> {
  const log = await world.gateway.logged();
  const line = log.split('\n').find((one) => one.includes(`"work":"${work}"`));
  expect(line).toContain('53100');
  expect(log).not.toContain('the value of a patient');
}

/** The scenarios of errors that the gateway handles and counts. */
export function registerHandledErrors(given: () => World): void {
  describe.concurrent('handled errors', () => {
    beforeAll(async () => {
      world = given();
    });

    // Each of these tests waits for a task that runs every ten seconds, so the tests run concurrently.
    it.concurrent(
      'a batch of new instances that fails is counted and logged, and taken one by one later',
      async ({ expect }) => {
        const studyUid = freshUid();
        await breakTable('instances', 'insert');
        const body = new Uint8Array(makeInstance({ studyUid }));
        await world.archive('/instances', { method: 'POST', body });
        await expect.poll(() => handled('batch ingest'), SOON).toBeGreaterThan(0);
        await isLogged('batch ingest');
        await mend('instances');
      },
    );

    it.concurrent(
      'a reservation that cannot be renewed or released is counted and logged',
      async ({ expect }) => {
        const sender = await world.machine();
        const store = openStore(world, sender);
        await store.write(store.part);
        await store.write(bigInstance(4_000_000).subarray(0, 2_000_000));
        await expect.poll(() => world.sql`select from pending`, SOON).toHaveLength(1);
        await breakTable('pending', 'update or delete');
        await expect.poll(() => handled('reservation renewal'), SOON).toBeGreaterThan(0);
        store.request.destroy();
        await expect.poll(() => handled('reservation release'), SOON).toBeGreaterThan(0);
        await isLogged('reservation renewal');
        await isLogged('reservation release');
        await mend('pending');
      },
    );
  });
}
