import postgres from 'postgres';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { SEALER_LOCK } from '../support/audit.chain.ts';
import { longForm } from '../support/long.form.ts';
import type { World } from '../support/world.ts';

let world: World;
let owner: postgres.Sql;

const ready = async () => {
  const answer = await fetch(`${world.gateway.url}/health/ready`);
  return { status: answer.status, body: await answer.json() };
};
const figure = async (name: string) =>
  Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await world.gateway.metrics())?.[1]);

/** Faults that prevent sealing: a right that the role has lost, and a sealer elsewhere that holds the lock. Each with its end. */
const STOPS = [
  ['revoke insert on audit_seals from radgate_app', 'grant insert on audit_seals to radgate_app'],
  [`select pg_advisory_lock(${SEALER_LOCK})`, `select pg_advisory_unlock(${SEALER_LOCK})`],
] as const;

/** The scenarios of an audit that cannot be sealed. They run at the same time as the concurrent scenarios beside them. */
export function registerSealing(given: () => World): void {
  describe.concurrent('sealing', () => {
    beforeAll(async () => {
      world = given();
      owner = postgres(world.database.ownerUrl, { max: 1 });
    });
    afterAll(async () => {
      await owner?.end();
    });

    it('a right that the role has lost, or a sealer that does nothing, shows in /health/ready and in the metrics, and images are still served; the log names the reason', async ({
      expect,
    }) => {
      // The second fault takes twenty seconds, so only the long form includes it.
      for (const [stop, go] of STOPS.slice(0, longForm(STOPS.length, 1))) {
        await expect.poll(ready).toMatchObject({ body: { audit: 'sealing' } });
        await owner.unsafe(stop);
        await world.sql`insert into audit (at, kind, address, action) values (now() - interval '90 seconds', 'answer', 'test', 'waits')`;
        await expect.poll(ready, { timeout: 20_000 }).toMatchObject({
          status: 200,
          body: { status: 'ready', audit: 'stalled', neighbours: { postgres: 'up' } },
        });
        await expect.poll(() => figure('radgate_audit_stalled'), { timeout: 20_000 }).toBe(1);
        expect(await figure('radgate_audit_unsealed_seconds')).toBeGreaterThan(90);
        await world.admin();

        await owner.unsafe(go);
        await expect.poll(ready, { timeout: 20_000 }).toMatchObject({ body: { audit: 'sealing' } });
        await expect.poll(() => figure('radgate_audit_stalled'), { timeout: 20_000 }).toBe(0);
        expect(await figure('radgate_audit_unsealed_seconds')).toBe(0);
        expect(await figure('radgate_audit_rows_sealed_late_total')).toBeGreaterThan(0);
      }
      expect(await world.gateway.logged()).toContain(
        'the audit cannot be sealed at the moment (SQLSTATE 42501)',
      );
    });
  });
}
