import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Pool } from 'undici';
import { z } from 'zod';
import type { World } from '../support/world.ts';
import { tokensOf } from './signing.in.ts';

const execute = promisify(execFile);
const command = join(import.meta.dirname, '../../dist/authn/keys/rotate.command.js');
const ROTATE_MS = 5000;
/** The number of concurrent requests. On a busy machine, clients send fewer requests per second. */
const AT_ONCE = 100;
const Refreshed = z.object({ access_token: z.string(), refresh_token: z.string() });

/** The number of responses by status, and the number of keys that have signed the access tokens of the test. */
export type Outcome = {
  statuses: Record<number, number>;
  keys: number;
  rotations: number;
  /** The number of requests per second that the test has sent. */
  perSecond: number;
};

/**
 * Rotates the signing keys every five seconds. Meanwhile clients send requests to the gateways in turn, and one client gets new tokens
 * every second. A new key is used for signing `hurry` seconds earlier than usual.
 */
export async function rotateUnderLoad(
  world: World,
  urls: readonly string[],
  load: { seconds: number; perSecond: number; hurry: number },
): Promise<Outcome> {
  const end = performance.now() + load.seconds * 1000;
  const outcome: Outcome = { statuses: {}, keys: 0, rotations: 0, perSecond: 0 };
  const kids = new Set<string>();
  const credentials = { name: 'admin', password: world.adminPassword };
  const tokens = await tokensOf(world, credentials);
  const at = (index: number) => urls[index % urls.length] ?? '';
  const pools = urls.map((url) => new Pool(url, { connections: 16 }));

  // Also moves the creation time of the first key into the past, because the first key must be older than the keys that the test adds.
  await world.sql`update signing_keys set created_at = created_at - interval '1 minute'`;
  const rotate = async () => {
    const { DATABASE_URL = '', MASTER_KEY = '' } = world.gateway.env;
    for (let next = performance.now(); performance.now() < end; next += ROTATE_MS) {
      const { stdout } = await execute(process.execPath, [command], { env: { DATABASE_URL, MASTER_KEY } });
      const kid = /^new signing key (\S+):/.exec(stdout)?.[1] ?? '';
      await world.sql`
        update signing_keys set created_at = created_at - make_interval(secs => ${load.hurry})
        where kid = ${kid}`;
      outcome.rotations += 1;
      await sleep(Math.max(0, next + ROTATE_MS - performance.now()));
    }
  };
  const refresh = async () => {
    for (let turn = 0; performance.now() < end; turn += 1) {
      const answer = await fetch(`${at(turn)}/api/auth/refresh`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ refresh_token: tokens.refresh_token }),
      });
      Object.assign(tokens, Refreshed.parse(await answer.json()));
      kids.add(tokens.access_token.split('.', 1)[0] ?? '');
      await sleep(1000);
    }
  };
  const ask = async (index: number) => {
    const headers = { authorization: `Bearer ${tokens.access_token}` };
    const pool = pools[index % pools.length];
    if (pool === undefined) throw new Error('There is nobody to ask.');
    const { statusCode: status, body } = await pool.request({ method: 'GET', path: '/api/me', headers });
    await body.dump();
    outcome.statuses[status] = (outcome.statuses[status] ?? 0) + 1;
  };
  const asking = async () => {
    const open = new Set<Promise<void>>();
    const start = performance.now();
    for (let index = 0; performance.now() < end; await sleep(5)) {
      const due = ((performance.now() - start) * load.perSecond) / 1000;
      for (; index < due && open.size < AT_ONCE; index += 1) {
        const one = ask(index).finally(() => open.delete(one));
        open.add(one);
      }
    }
    await Promise.all(open);
  };
  await Promise.all([rotate(), refresh(), asking()]);
  await Promise.all(pools.map((pool) => pool.close()));
  const asked = Object.values(outcome.statuses).reduce((sum, number) => sum + number, 0);
  return { ...outcome, keys: kids.size, perSecond: Math.round(asked / load.seconds) };
}
