import { randomUUID } from 'node:crypto';
import type { Test } from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SHIPPED_MAPPINGS } from '../../src/mapping/defaults.js';
import { type Caller, type Person, startWorld, type World } from '../support/world.ts';

const ALL = { kind: 'all' };
const GASTRITIS = { kind: 'condition', coding: { system: 'http://snomed.info/sct', code: '4556007' } };
const NEXT = 'a password nobody has yet';

let world: World;
let clerk: Caller;
beforeAll(async () => {
  // The configured FHIR server is unreachable, so no import runs during this test.
  world = await startWorld({ FHIR_BASE_URL: 'http://127.0.0.1:1/fhir' });
  clerk = await world.person({ rights: ['records:import', 'terms:decide'], scope: ALL });
});
afterAll(() => world?.stop());
afterEach(() => world.sql`grant insert on audit to radgate_app`);

const by = (caller: Caller, verb: 'post' | 'delete', path: string): Test =>
  world.http[verb](path).set('authorization', caller.authorization);

/** The id of the import under test. `everything` returns only the rows of this import. */
let current = randomUUID();

/** Creates an import with this status and one row. */
async function importThatIs(status: string, state: string): Promise<string> {
  const id = current;
  await world.sql`
    insert into imports (id, account_name, sha256, bytes, mapping, mode, status, source, rows_total)
    select ${id}, 'somebody', '', 1, id, 'commit', ${status}, '{}', 1 from mappings limit 1`;
  await world.sql`insert into import_chunks (import_id, chunk, sealed, ${world.sql(state)}) values (${id}, 0, '', 1)`;
  await world.sql`
    insert into import_rows (import_id, row, chunk, state, patient) values (${id}, 1, 0, ${state}, 'somebody')`;
  return id;
}

async function wordThatWaits(): Promise<string> {
  const word = `word ${randomUUID()}`;
  const [row] = await world.sql`
    insert into terms (language, folded, word, source_column, state)
    values ('pt', ${word}, ${word}, 'x', 'unmapped') returning id`;
  return String(row?.['id']);
}

/** The rows of all tables that the tested changes write. */
async function everything(): Promise<unknown> {
  const [row] = await world.sql`select jsonb_build_array(
    (select jsonb_agg(to_jsonb(i)) from imports i where id = ${current}),
    (select count(*) from imports where account_id = ${clerk.id}),
    (select jsonb_agg(to_jsonb(r)) from import_rows r where import_id = ${current}),
    (select jsonb_agg(to_jsonb(t) order by id) from terms t),
    (select jsonb_agg(to_jsonb(m) - 'document' order by id) from mappings m),
    (select count(*) from queue.job where name = 'term-decided' or data ->> 'import_id' = ${current}),
    (select jsonb_agg(password_hash order by id) from accounts),
    (select jsonb_agg(id order by id) from sessions),
    (select jsonb_agg(jsonb_build_array(id, revoked_at) order by id) from token_families)) as all`;
  return row?.['all'];
}

const map = {
  resourceType: 'ConceptMap',
  url: 'urn:test:deeds',
  version: '1',
  status: 'draft',
  group: [
    {
      source: 'urn:radgate:words:pt',
      target: 'http://snomed.info/sct',
      element: [{ code: 'abacaxite', target: [{ code: '4556007', equivalence: 'equivalent' }] }],
    },
  ],
};

/** Signs the same person in a second time. */
const again = async (one: Person): Promise<Person> => ({
  ...one,
  authorization: await world.signIn(one.name, one.password),
});

async function sessionOf(one: Person): Promise<string> {
  const [row] =
    await world.sql`select id from token_families where account_id = ${one.id} order by created_at limit 1`;
  return String(row?.['id']);
}

/** Every change that is not an administrative change, with its preparation and its request. */
const changes: readonly (readonly [what: string, prepare: () => Promise<() => Test>])[] = [
  ...(
    [
      ['commit', 'rehearsed', 'created'],
      ['cancel', 'rehearsed', 'created'],
      ['retry', 'completed_with_errors', 'rejected'],
      ['undo', 'completed', 'created'],
    ] as const
  ).map(
    ([action, status, state]) =>
      [
        `an import: ${action}`,
        async () => {
          const id = await importThatIs(status, state);
          return () => by(clerk, 'post', `/api/imports/${id}/${action}`);
        },
      ] as const,
  ),
  [
    'an upload',
    async () => () =>
      by(clerk, 'post', '/api/imports').attach('file', Buffer.from('Nome,CPF\nAna,1\n'), 'a.csv'),
  ],
  [
    'a mapping',
    async () => () =>
      by(clerk, 'post', '/api/mappings').send({ ...SHIPPED_MAPPINGS[0], name: 'deeds', version: 1 }),
  ],
  [
    'a word decided',
    async () => {
      const id = await wordThatWaits();
      return () => by(clerk, 'post', `/api/terms/${id}/decide`).send(GASTRITIS);
    },
  ],
  [
    'a word ignored',
    async () => {
      const id = await wordThatWaits();
      return () => by(clerk, 'post', `/api/terms/${id}/ignore`);
    },
  ],
  ['decisions taken from elsewhere', async () => () => by(clerk, 'post', '/api/terms/concept-map').send(map)],
  [
    'a password',
    async () => {
      const one = await world.person();
      await again(one);
      const body = { current_password: one.password, new_password: NEXT };
      return () => by(one, 'post', '/api/me/password').send(body);
    },
  ],
  [
    'a sign-in ended',
    async () => {
      const one = await world.person();
      const other = await again(one);
      const session = await sessionOf(one);
      return () => by(other, 'delete', `/api/me/sessions/${session}`);
    },
  ],
  [
    'other sign-ins ended',
    async () => {
      const other = await again(await world.person());
      return () => by(other, 'delete', '/api/me/sessions');
    },
  ],
  [
    'a logout',
    async () => {
      const one = await world.person();
      return () => by(one, 'post', '/api/auth/logout');
    },
  ],
];

describe('a change that is not made when its row cannot be written, and has one row when it is', () => {
  it.each(changes)('%s', async (_, prepare) => {
    current = randomUUID();
    const ask = await prepare();
    const before = await everything();
    await world.sql`revoke insert on audit from radgate_app`;
    expect((await ask()).status).toBe(503);
    expect(await everything()).toEqual(before);
    await world.sql`grant insert on audit to radgate_app`;

    const answer = await ask();
    expect(answer.status).toBeLessThan(300);
    expect(await everything()).not.toEqual(before);
    const rows = await world.sql`
      select status, detail from audit where request_id = ${answer.headers['x-request-id'] ?? ''}`;
    expect(rows.map((row) => row['status'])).toEqual([answer.status]);
    expect(JSON.stringify(rows)).not.toContain(NEXT);
  });
});
