import { get, type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { TestGateway } from '../support/gateway.ts';
import { sample } from '../support/long.form.ts';
import { multipartOf } from '../support/stow.body.ts';
import { type Caller, type Person, startWorld, type World } from '../support/world.ts';
import { sessionOf } from '../authn/signing.in.ts';

const study = freshUid();
const IMPORT = '00000000-0000-4000-8000-000000000001';
/** The time within which a change of rights must take effect in all gateways. */
const SOON_MS = 5000;

const PAST = '2020-01-01T00:00:00Z';
const Keys = z.object({ items: z.tuple([z.object({ id: z.string() })]) });

let world: World;
let other: TestGateway;
let admin: Caller;

beforeAll(async () => {
  world = await startWorld();
  other = await world.secondGateway();
  admin = await world.admin();
  const seriesUid = freshUid();
  const pixels = Buffer.alloc(2048 * 2048 * 2, 7);
  const slices = Array.from({ length: 5 }, (_, index) =>
    makeInstance({
      studyUid: study,
      patientName: 'Revoked^Person',
      patientId: 'REVOKED-1',
      seriesUid,
      sopUid: freshUid(),
      instanceNumber: index + 1,
      rows: 2048,
      columns: 2048,
      extra: [element('7FE00010', 'OW', pixels)],
    }),
  );
  await world.store(await world.machine(), slices).expect(200);
  await world.sql`
    insert into mappings (id, name, version, document) values (${IMPORT}, 'revocation', 1, '{}')`;
  await world.sql`
    insert into imports (id, account_name, sha256, bytes, mapping, mode, status)
    values (${IMPORT}, 'nobody', '\\x00', 1, ${IMPORT}, 'commit', 'running')`;
});
afterAll(async () => {
  await other.leave();
  await world.stop();
});

/** A response that the other gateway is sending to a client that no longer reads the response. */
class Open {
  private constructor(
    private readonly answer: IncomingMessage,
    private readonly ended: Promise<'whole' | 'cut'>,
  ) {}

  static async of(path: string, headers: Readonly<Record<string, string>>): Promise<Open> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      get(`${other.url}${path}`, { headers, agent: false }, resolve).on('error', reject);
    });
    expect(answer.statusCode).toBe(200);
    const ended = new Promise<'whole' | 'cut'>((resolve) => {
      answer.once('end', () => resolve('whole')).once('close', () => resolve('cut'));
      answer.once('error', () => resolve('cut'));
    });
    return new Open(answer, ended);
  }

  /** A STOW request to the other gateway. The client sends only half of the file. */
  static upload(file: Buffer, headers: Readonly<Record<string, string>>): Pick<Open, 'rest'> {
    const { type, body } = multipartOf([file]);
    const sending = request(`${other.url}/dicom-web/studies`, {
      method: 'POST',
      headers: { ...headers, 'content-type': type },
      agent: false,
    });
    const ended = new Promise<'whole' | 'cut'>((resolve) => {
      sending.once('response', () => resolve('whole')).once('error', () => resolve('cut'));
    });
    sending.write(body.subarray(0, body.length / 2));
    return { rest: () => ended };
  }

  /** Reads the response to its end. */
  rest(): Promise<'whole' | 'cut'> {
    this.answer.resume();
    return this.ended;
  }
}

const download = (who: Pick<Caller, 'authorization'>) =>
  Open.of(`/dicom-web/studies/${study}`, { authorization: who.authorization });
const events = (who: Pick<Caller, 'authorization'>) =>
  Open.of(`/api/imports/${IMPORT}/events`, { authorization: who.authorization });
const as = (who: Caller) => ({ authorization: who.authorization });
const reader = () => world.radiologist(study);
const clerk = () => world.person({ rights: ['records:read'], scope: { kind: 'all' } });
const grantOf = async (groupId: string): Promise<string> => {
  const [row] = await world.sql<{ id: string }[]>`select id from grants where group_id = ${groupId} limit 1`;
  return row?.id ?? '';
};
const patch = (person: Person, body: object) =>
  world.http.patch(`/api/users/${person.id}`).set(as(admin)).send(body).expect(200);
const removeGrant = async ({ groupId }: { groupId: string }) =>
  world.http
    .delete(`/api/groups/${groupId}/grants/${await grantOf(groupId)}`)
    .set(as(admin))
    .expect(204);
const leave = ({ id, groupId }: Person) =>
  world.http.delete(`/api/groups/${groupId}/members/${id}`).set(as(admin)).expect(204);

const cuts = async () => (await other.logged()).split('"event":"disconnected: no longer allowed"').length - 1;
const took: Record<string, number> = {};
/** Makes the change, waits until the other gateway has ended the request, and measures the delay. */
async function cutBy(
  name: string,
  open: Pick<Open, 'rest'>,
  change: () => PromiseLike<unknown>,
): Promise<void> {
  // The gateway does not check the rights of a request again during its first second.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const before = await cuts();
  const start = performance.now();
  await change();
  // A client that does not read the response does not notice the end of its connection. So the test counts the ended requests in the
  // gateway's log.
  await expect.poll(cuts, { timeout: SOON_MS, interval: 20 }).toBeGreaterThan(before);
  took[name] = Math.round(performance.now() - start);
  expect(await open.rest()).toBe('cut');
}

describe('running requests at one gateway after the right is removed at the other', () => {
  const changes: [string, (person: Person) => PromiseLike<unknown>][] = [
    ['disabling the account', (person) => patch(person, { disabled: true })],
    ['a password set by an administrator', (person) => patch(person, { password: freshUid() })],
    ['removing the grant', removeGrant],
    ['leaving the group', leave],
    [
      'deleting the group',
      ({ groupId }) => world.http.delete(`/api/groups/${groupId}`).set(as(admin)).expect(204),
    ],
    ['logging out', (person) => world.http.post('/api/auth/logout').set(as(person)).expect(204)],
    [
      'the date of the grant, which nobody tells',
      ({ groupId }) =>
        world.sql`update grants set until = now() + interval '1 second' where group_id = ${groupId}`,
    ],
  ];
  test.each(sample(changes, 3))('a download is cut by %s', async (name, change) => {
    const person = await reader();
    await cutBy(name, await download(person), () => change(person));
  });

  const changesOfKeys: [string, (key: string) => PromiseLike<unknown>][] = [
    ['revoking its key', (key) => world.http.delete(key).set(as(admin)).expect(204)],
    [
      'an end of its key',
      (key) => world.http.patch(key).set(as(admin)).send({ expires_at: PAST }).expect(200),
    ],
    [
      'ranges of its key that it is not in',
      (key) =>
        world.http
          .patch(key)
          .set(as(admin))
          .send({ ranges: ['10.2.0.0/16'] })
          .expect(200),
    ],
  ];
  test.each(sample(changesOfKeys, 1))('a machine’s download is cut by %s', async (name, change) => {
    const machine = await world.machine([{ rights: ['studies:read'], scope: { kind: 'all' } }]);
    const keys = await world.http.get(`/api/accounts/${machine.id}/keys`).set(as(admin)).expect(200);
    const { id } = Keys.parse(keys.body).items[0];
    await cutBy(name, await download(machine), () => change(`/api/accounts/${machine.id}/keys/${id}`));
  });

  test('an upload is cut by removing the grant, and nothing of it stays', async () => {
    const machine = await world.machine();
    const [studyUid, sopUid] = [freshUid(), freshUid()];
    const pixels = element('7FE00010', 'OW', Buffer.alloc(4 * 1024 * 1024, 7));
    const file = makeInstance({ studyUid, sopUid, rows: 2048, columns: 1024, extra: [pixels] });
    await cutBy('an upload', Open.upload(file, as(machine)), () => removeGrant(machine));
    const left = () => world.sql`
      select sop_uid from instances where sop_uid = ${sopUid} union all select sop_uid from pending where sop_uid = ${sopUid}`;
    await expect.poll(left, { timeout: SOON_MS }).toEqual([]);
    const found = await world.archive('/tools/lookup', { method: 'POST', body: sopUid });
    expect(await found.json()).toEqual([]);
  });

  test('a browser’s download is cut by ending its session', async () => {
    const person = await reader();
    const { cookie } = await sessionOf(world, person);
    const open = await Open.of(`/dicom-web/studies/${study}`, { cookie });
    await cutBy('ending the session', open, () =>
      world.http.delete('/api/me/sessions').set(as(person)).expect(204),
    );
  });

  test('a stream of events is cut by removing the grant', async () => {
    const person = await clerk();
    await cutBy('a stream of events', await events(person), () => removeGrant(person));
  });

  test('goes on when another grant still allows it, and for everybody else', async () => {
    const scope = { kind: 'study', study_uid: study };
    const [twice, bystander] = [
      await world.person(
        { rights: ['studies:read'], scope },
        { rights: ['studies:read'], scope: { kind: 'all' } },
      ),
      await reader(),
    ];
    const victim = await reader();
    const [one, two, three] = [await download(twice), await download(bystander), await download(victim)];
    await cutBy('one of three', three, async () => {
      await removeGrant(twice);
      await removeGrant(victim);
    });
    expect(await one.rest()).toBe('whole');
    expect(await two.rest()).toBe('whole');
  });

  test('and new requests there are refused, also at full speed from memory', async () => {
    const person = await reader();
    const path = `/dicom-web/studies/${study}/metadata`;
    const first = await fetch(`${other.url}${path}`, { headers: as(person) });
    expect(first.status).toBe(200);
    await first.body?.cancel();
    const headers = { ...as(person), 'if-none-match': first.headers.get('etag') ?? '' };
    const answers: { readonly startedAt: number; readonly status: number }[] = [];
    const over = new AbortController();
    const connection = async () => {
      while (!over.signal.aborted) {
        const startedAt = performance.now();
        answers.push({ startedAt, status: (await fetch(`${other.url}${path}`, { headers })).status });
      }
    };
    const connections = Array.from({ length: 32 }, connection);
    await expect.poll(() => answers.length).toBeGreaterThan(200);
    await removeGrant(person);
    const removedAt = performance.now();
    await expect.poll(() => answers.at(-1)?.status, { timeout: SOON_MS, interval: 20 }).toBe(403);
    const refusedFrom = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 500));
    over.abort();
    await Promise.all(connections);
    const allowed = answers.filter(({ status }) => status === 304);
    const last = Math.max(...allowed.map(({ startedAt }) => startedAt));
    took['requests from memory'] = Math.round(last - removedAt);
    expect(last - removedAt).toBeLessThan(SOON_MS);
    const late = answers.filter(({ startedAt }) => startedAt > refusedFrom);
    expect(new Set(late.map(({ status }) => status))).toEqual(new Set([403]));
  });
});

afterAll(() => console.info(`cut after (ms): ${JSON.stringify(took)}`));
