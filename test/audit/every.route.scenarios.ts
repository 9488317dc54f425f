import { beforeAll, describe, expect, it } from 'vitest';
import { table } from '../authz/matrix.table.ts';
import type { Caller, World } from '../support/world.ts';

const NOBODY = '00000000-0000-4000-8000-000000000000';

let world: World;
let admin: Caller;

const ends = (route: string) => /sessions|logout/.test(route);

/** Sends the requests of test/authz/matrix.table.ts with ids that do not exist. */
const asked = table
  .filter(({ opens }) => opens !== 'public')
  // Routes that end sign-ins are requested last.
  .toSorted((a, b) => Number(ends(a.route)) - Number(ends(b.route)))
  .map(({ route, path, body }) => {
    const [method = '', pattern = ''] = route.split(' ');
    const of = (path ?? pattern)
      .replaceAll(/:(study|series|instance)\b/g, '1.2.3')
      .replaceAll(':frames', '1');
    return { route, method, body, url: of.replaceAll(/:\w+/g, NOBODY).replaceAll('*', 'x') };
  });

/** Registers the tests of this file with the given gateway. */
export function registerEveryRoute(given: () => World): void {
  describe('every route', () => {
    beforeAll(async () => {
      world = given();
      admin = await world.admin();
    });

    it('every answer of every route to a known account is on record, whatever it is', async () => {
      const silent: string[] = [];
      for (const [at, { route, method, url, body }] of asked.entries()) {
        const id = `every-route-${at}`;
        const { authorization } = ends(route) ? await world.admin() : admin;
        const named = { authorization, 'x-request-id': id };
        const sent = ['GET', 'HEAD', 'DELETE', 'OPTIONS'].includes(method)
          ? { headers: named }
          : { headers: { ...named, 'content-type': 'application/json' }, body: JSON.stringify(body ?? {}) };
        const answer = await fetch(`${world.gateway.url}${url}`, { method, ...sent });
        await answer.arrayBuffer();
        const rows =
          await world.sql`select status, action from audit where request_id = ${id} and account_name = 'admin'`;
        const told = rows.map((row) => row['status']);
        if (told.length !== 1 || told[0] !== answer.status)
          silent.push(`${route}: ${answer.status}, on record: ${told.join()}`);
      }
      expect(asked.length).toBeGreaterThan(60);
      expect(silent).toEqual([]);
    });
  });
}
