import type { Test } from 'supertest';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Person, World } from '../support/world.ts';
import { Pair, statusWith, tokensOf } from './signing.in.ts';

let world: World;
let person: Person;

const refresh = (refresh_token: string): Test => world.http.post('/api/auth/refresh').send({ refresh_token });
const refreshed = async (token: string): Promise<Pair> => Pair.parse((await refresh(token).expect(200)).body);
/** Moves the times at which refresh tokens were used eleven seconds into the past. */
const elevenSecondsLater = () =>
  world.sql`update refresh_tokens set used_at = used_at - interval '11 seconds' where account_id = ${person.id}`;

/** Registers the tests of this file with the given gateway. */
export function registerRefresh(given: () => World): void {
  describe('refresh', () => {
    beforeAll(async () => {
      world = given();
      person = await world.person();
    });

    describe('a refresh token', () => {
      test('returns a new pair that works, repeatedly', async () => {
        let pair = await tokensOf(world, person);
        for (let round = 0; round < 3; round += 1) {
          const next = await refreshed(pair.refresh_token);
          expect(next.refresh_token).not.toBe(pair.refresh_token);
          expect(await statusWith(world, next.access_token)).toBe(200);
          pair = next;
        }
      });

      test('presented many times at once has one successor', async () => {
        const { refresh_token } = await tokensOf(world, person);
        const pairs = await Promise.all(Array.from({ length: 50 }, () => refreshed(refresh_token)));
        expect(new Set(pairs.map((pair) => pair.refresh_token)).size).toBe(1);
        await refreshed(pairs[0]?.refresh_token ?? '');
      });

      test('presented again within ten seconds gets the same successor', async () => {
        const { refresh_token } = await tokensOf(world, person);
        const first = await refreshed(refresh_token);
        expect((await refreshed(refresh_token)).refresh_token).toBe(first.refresh_token);
      });

      test('presented again later ends the whole family, access tokens too, and no other', async () => {
        const bystander = await tokensOf(world, person);
        const { refresh_token } = await tokensOf(world, person);
        const second = await refreshed(refresh_token);
        await elevenSecondsLater();
        await refresh(refresh_token).expect(401);
        await refresh(second.refresh_token).expect(401);
        expect(await statusWith(world, second.access_token)).toBe(401);
        expect(await statusWith(world, bystander.access_token)).toBe(200);
        await refreshed(bystander.refresh_token);
        const events = await world.sql`
      select account_id as account, status from audit where action = 'refresh token reused'`;
        expect(events).toEqual([{ account: person.id, status: 401 }]);
        expect(await world.gateway.logged()).toContain('"event":"refresh token reused"');
      });

      test('is one of a hundred sign-ins an account may have: the oldest end', async () => {
        const hoarder = await world.person();
        const [first, second] = [await tokensOf(world, hoarder), await tokensOf(world, hoarder)];
        await world.sql`
      insert into token_families (id, account_id)
      select gen_random_uuid(), ${hoarder.id} from generate_series(1, 98)`;
        const last = await tokensOf(world, hoarder);
        // The sign-in of `world.person()` was the oldest sign-in of the account.
        expect(await statusWith(world, first.access_token)).toBe(401);
        await refresh(first.refresh_token).expect(401);
        expect(await statusWith(world, second.access_token)).toBe(200);
        expect(await statusWith(world, last.access_token)).toBe(200);
      });

      test('works at any gateway: fifty at once at two have one successor', async () => {
        const other = await world.secondGateway();
        try {
          const { refresh_token } = await tokensOf(world, person);
          const at = async (url: string) => {
            const answer = await fetch(`${url}/api/auth/refresh`, {
              method: 'POST',
              headers: { 'content-type': 'application/json' },
              body: JSON.stringify({ refresh_token }),
            });
            return Pair.parse(await answer.json()).refresh_token;
          };
          const both = [world.gateway.url, other.url];
          const successors = await Promise.all(Array.from({ length: 50 }, (_, n) => at(both[n % 2] ?? '')));
          expect(new Set(successors).size).toBe(1);
        } finally {
          await other.leave();
        }
      });

      test('ends with its time, and with its account', async () => {
        const old = await tokensOf(world, person);
        await world.sql`update refresh_tokens set expires_at = now() where account_id = ${person.id}`;
        await refresh(old.refresh_token).expect(401);
        const current = await tokensOf(world, person);
        const disable = (disabled: boolean) =>
          world.sql`update accounts set disabled = ${disabled} where id = ${person.id}`;
        await disable(true);
        await refresh(current.refresh_token).expect(401);
        await disable(false);
        await refreshed(current.refresh_token);
      });

      test('is stored as a hash only', async () => {
        const { refresh_token } = await tokensOf(world, person);
        const rows = await world.sql`select encode(token_hash, 'escape') as text from refresh_tokens`;
        expect(rows.length).toBeGreaterThan(0);
        expect(JSON.stringify(rows)).not.toContain(refresh_token.slice(4));
      });

      test.each(['', 'x', 'rgr_x', `rgr_${'a'.repeat(43)}`])('%j is refused', async (token) => {
        const answer = await refresh(token);
        expect(answer.status).toBe(token === '' ? 422 : 401);
      });
    });

    describe('logout', () => {
      test('ends the family of the access token and no other', async () => {
        const [one, other] = [await tokensOf(world, person), await tokensOf(world, person)];
        await world.http
          .post('/api/auth/logout')
          .set('authorization', `Bearer ${one.access_token}`)
          .expect(204);
        expect(await statusWith(world, one.access_token)).toBe(401);
        await refresh(one.refresh_token).expect(401);
        expect(await statusWith(world, other.access_token)).toBe(200);
      });

      test("with somebody else's refresh token leaves theirs alone", async () => {
        const stranger = await world.person();
        const theirs = await tokensOf(world, stranger);
        const mine = await tokensOf(world, person);
        await world.http
          .post('/api/auth/logout')
          .set('authorization', `Bearer ${mine.access_token}`)
          .send({ refresh_token: theirs.refresh_token })
          .expect(204);
        expect(await statusWith(world, theirs.access_token)).toBe(200);
      });
    });
  });
}
