import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SEALER_LOCK } from '../support/audit.chain.ts';
import { longForm } from '../support/long.form.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
let owner: postgres.Sql;
beforeAll(async () => {
  world = await startWorld();
  owner = postgres(world.database.ownerUrl, { max: 1 });
});
afterAll(async () => {
  await owner?.end();
  await world?.stop();
});

const ready = async () => {
  const answer = await fetch(`${world.gateway.url}/health/ready`);
  return { status: answer.status, body: await answer.json() };
};
const figure = async (name: string) =>
  Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await world.gateway.metrics())?.[1]);

/** Faults that prevent sealing, each with a function that ends the fault. */
const STOPS = [
  [
    'a right that the role has lost',
    'revoke insert on audit_seals from radgate_app',
    'grant insert on audit_seals to radgate_app',
  ],
  [
    'a sealer elsewhere that holds the lock and does nothing',
    `select pg_advisory_lock(${SEALER_LOCK})`,
    `select pg_advisory_unlock(${SEALER_LOCK})`,
  ],
] as const;

// The second fault takes twenty seconds, so only the long form includes it.
it.each(longForm<readonly (typeof STOPS)[number][]>(STOPS, [STOPS[0]]))(
  '%s shows in /health/ready and in the metrics, and images are still served',
  async (_, stop, go) => {
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
  },
);

it('the log names the reason', async () => {
  expect(await world.gateway.logged()).toContain('the audit cannot be sealed at the moment (SQLSTATE 42501)');
});
