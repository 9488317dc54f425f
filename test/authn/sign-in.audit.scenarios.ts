import { beforeAll, describe, expect, it } from 'vitest';
import type { World } from '../support/world.ts';

let world: World;

/** Registers the tests of this file with the given gateway. */
export function registerSignInAudit(given: () => World): void {
  describe('sign in audit', () => {
    beforeAll(async () => {
      world = given();
    });

    describe('the record of signing in', () => {
      it('names who signed in, and how', async () => {
        const answer = await world.http
          .post('/api/auth/login')
          .send({ username: 'admin', password: world.adminPassword })
          .expect(200);
        await world.http
          .post('/api/auth/refresh')
          .send({ refresh_token: answer.body.refresh_token })
          .expect(200);
        const rows = await world.sql`
      select account_name, via, action, status from audit where action like '%/api/auth/%' order by id`;
        expect(rows).toEqual([
          { account_name: 'admin', via: 'password', action: 'POST /api/auth/login', status: 200 },
          { account_name: 'admin', via: 'refresh token', action: 'POST /api/auth/refresh', status: 200 },
        ]);
      });
    });
  });
}
