import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Credential } from '../authz/matrix.accounts.ts';
import { type Answer, ask } from '../authz/matrix.asking.ts';
import { furnish } from '../authz/matrix.objects.ts';
import { table } from '../authz/matrix.table.ts';
import { startTestGateway } from '../support/gateway.ts';
import { longForm } from '../support/long.form.ts';
import { startWorld, type World } from '../support/world.ts';

/** The statement timeout of the gateway under test. It is short, so that a statement that waits for a lock ends soon. */
const STATEMENT_MS = 300;
const AT_ONCE = 8;
/** These routes report an unreachable database in their own format. */
const OWN = new Set(['GET /health/ready', 'HEAD /health/ready']);

let world: World;
let everything: Credential;
let usual: ReadonlyMap<string, Answer>;
beforeAll(async () => {
  world = await startWorld({ METRICS_TOKEN: '' });
  const remover = await world.machine([{ rights: ['studies:delete'], scope: { kind: 'all' } }]);
  await furnish(world, await world.machine(), remover);
  const { authorization } = await world.admin();
  everything = { principal: 'administrator', form: 'access token', headers: () => ({ authorization }) };
  const { PORT: _, DATA_DIR: __, DATABASE_URL: url = '', ...env } = world.gateway.env;
  await world.gateway.leave();
  // A timeout in the connection URL takes precedence over the gateway's own timeout.
  world.gateway = await startTestGateway({
    ...env,
    DATABASE_URL: `${url}?statement_timeout=${STATEMENT_MS}`,
  });
  usual = await askAll();
}, 120_000);
afterAll(() => world?.stop());

/** Sends a request to each route and returns the responses. None of these requests changes data. */
async function askAll(): Promise<ReadonlyMap<string, Answer>> {
  const answers = new Map<string, Answer>();
  const waiting = table.filter(({ ok }) => ok !== 204).values();
  const work = async () => {
    for (const row of waiting)
      answers.set(row.route, await ask(world, { row, credential: everything, thing: 'own' }));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return answers;
}

/** The fault of a response, as a line of the report. Undefined if the response is as required: 503 with a text and `Retry-After`. */
function faultOf(route: string, { status, headers, body }: Answer): string | undefined {
  const isProblem = headers['content-type'] === 'application/problem+json' && headers['retry-after'] === '5';
  // The answer to a HEAD request has no body.
  const isTold = route.startsWith('HEAD ') || body.includes('did not finish in time');
  if (status === 503 && isProblem && isTold) return undefined;
  return `${route} is ${status}: ${body.slice(0, 200)}`;
}

describe('a statement that takes too long', () => {
  const tables: readonly (readonly [name: string, least: number])[] = [
    ['accounts', 60],
    ['grants', 50],
    ['studies', 15],
    ['series', 3],
    ['audit', 50],
    ['imports', 3],
  ];
  it.each(longForm(tables, tables.slice(1, 2)))(
    'is 503 with a text on every route that needs %s, and never 500',
    async (name, least) => {
      const answers = await world.sql.begin(async (tx: postgres.TransactionSql) => {
        await tx`lock table ${tx(name)} in access exclusive mode`;
        return askAll();
      });
      const refused = [...answers].filter(
        ([route, { status }]) => status >= 500 && usual.get(route)?.status !== status && !OWN.has(route),
      );
      expect(refused.flatMap(([route, answer]) => faultOf(route, answer) ?? [])).toEqual([]);
      expect(refused.length).toBeGreaterThanOrEqual(least);
    },
  );
});
