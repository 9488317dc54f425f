import { get, type IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DatabaseProxy, startDatabaseProxy } from '../support/database.proxy.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type Caller, startWorld, type World } from '../support/world.ts';

const IMPORT = '00000000-0000-4000-8000-000000000002';
/** Without the database, rights are valid for five seconds. The next check follows within two more seconds. */
const SOON = { timeout: 8_000, interval: 50 };

let world: World;
let proxy: DatabaseProxy;
let gateway: TestGateway;
let clerk: Caller;
beforeAll(async () => {
  world = await startWorld();
  proxy = await startDatabaseProxy(world.database.appUrl);
  const { PORT: _, DATA_DIR: __, ...env } = world.gateway.env;
  gateway = await startTestGateway({ ...env, DATABASE_URL: proxy.url });
  clerk = await world.person({ rights: ['records:read'], scope: { kind: 'all' } });
  await world.sql`insert into mappings (id, name, version, document) values (${IMPORT}, 'stalled', 1, '{}')`;
  await world.sql`
    insert into imports (id, account_name, sha256, bytes, mapping, mode, status)
    values (${IMPORT}, 'nobody', '\\x00', 1, ${IMPORT}, 'commit', 'running')`;
});
afterAll(async () => {
  await gateway?.stop();
  proxy?.close();
  await world?.stop();
});

/** An open event stream of the gateway whose database connection goes through the proxy. */
async function events(): Promise<IncomingMessage> {
  const headers = { authorization: clerk.authorization };
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${gateway.url}/api/imports/${IMPORT}/events`, { headers, agent: false }, resolve).on(
      'error',
      reject,
    );
  });
  expect(answer.statusCode).toBe(200);
  answer.on('error', () => undefined).resume();
  return answer;
}

describe('a database that hangs without closing its connections', () => {
  it('ends running requests after five seconds, because rights are no longer known; afterwards all works again', async () => {
    const stream = await events();
    // The gateway does not check the rights of a request again during its first second.
    await pause(1_100);
    proxy.stall(true);
    await pause(3_000);
    expect(stream.destroyed).toBe(false);
    await expect.poll(() => stream.destroyed, SOON).toBe(true);
    proxy.stall(false);
    const again = await events();
    await pause(4_000);
    expect(again.destroyed).toBe(false);
    again.destroy();
  });
});
