import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { isLong } from '../support/long.form.ts';
import type { Caller, OwnWorld, World } from '../support/world.ts';
import { archived, catalogued, told } from './stow.answers.ts';
import { partsOf } from './wado.reading.ts';

const SENDERS = 4;
const STUDIES = 5;
const OF_A_REQUEST = 10;

export type Victim = 'gateway' | 'orthanc';
/**
 * The result of one round: the number of instances acknowledged before the kill, and the seconds until catalog and archive had the same
 * instances again.
 */
export interface Round {
  acknowledged: number;
  agreed: number;
}

interface Sent {
  study: string;
  sop: string;
  file: Buffer;
}

/**
 * Four senders store `count` instances of five new studies, ten instances per request. The gateway or the archive is killed at a random
 * moment and started again. Then the test checks that each acknowledged instance is complete, that no partial instance exists, and that all
 * instances can be sent again successfully.
 */
export async function killRound(
  world: OwnWorld,
  sender: Caller,
  victim: Victim,
  count: number,
): Promise<Round> {
  const before = await archived(world);
  const reader = await world.person({ rights: ['studies:read'], scope: { kind: 'all' } });
  const all = instances(count);
  const studies = [...new Set(all.map(({ study }) => study))];
  const acknowledged = new Set<string>();
  const storing = storeAll(world, sender, all, acknowledged);
  await sleep(Math.random() * count * 5);
  if (victim === 'gateway') await killGateway(world);
  else await world.orthanc.kill();
  await storing;
  const known = acknowledged.size;
  if (victim === 'orthanc') await world.orthanc.restart();
  // The long form waits for the whole life of the reservations (12 s).
  if (!isLong) await world.sql`update pending set expires_at = clock_timestamp()`;
  const since = Date.now();
  const agreement = async () => {
    const [held, rows] = [await archived(world), await catalogued(world, ...studies)];
    const [live] = await world.sql`select 1 from pending where expires_at > clock_timestamp() limit 1`;
    return [held - before === rows?.instances, rows?.counted === rows?.instances, live];
  };
  await expect.poll(agreement, { timeout: 60_000, interval: 250 }).toEqual([true, true, undefined]);
  const agreed = (Date.now() - since) / 1000;

  const whole = await retrieved(world, reader, studies);
  for (const sop of acknowledged) expect(whole.has(sop), 'acknowledged and not there').toBe(true);
  for (const { sop, file } of all) {
    const back = whole.get(sop);
    if (back !== undefined) expect(back.equals(file), 'there, and not as it was sent').toBe(true);
  }
  const again = new Set<string>();
  expect(await storeAll(world, sender, all, again), 'refused when stored once more').toEqual([]);
  expect(again.size).toBe(count);
  expect(await archived(world)).toBe(before + count);
  expect(await catalogued(world, ...studies)).toMatchObject({ instances: count, counted: count, pending: 0 });
  expect((await retrieved(world, reader, studies)).size).toBe(count);
  return { acknowledged: known, agreed };
}

function instances(count: number): Sent[] {
  const studies = Array.from({ length: STUDIES }, () => ({ study: freshUid(), series: freshUid() }));
  return Array.from({ length: count }, (_, at) => {
    const { study, series } = studies[at % STUDIES] ?? { study: freshUid(), series: freshUid() };
    const sop = freshUid();
    const options = { studyUid: study, seriesUid: series, sopUid: sop, rows: 64, columns: 64 };
    return { study, sop, file: makeInstance({ ...options, instanceNumber: at }) };
  });
}

/** Stores all instances. Returns a text for each request that failed or was not answered with 200. Such requests are not repeated. */
async function storeAll(
  world: World,
  sender: Caller,
  all: readonly Sent[],
  acknowledged: Set<string>,
): Promise<string[]> {
  const refusals: string[] = [];
  const batches = Array.from({ length: Math.ceil(all.length / OF_A_REQUEST) }, (_, at) =>
    all.slice(at * OF_A_REQUEST, (at + 1) * OF_A_REQUEST),
  );
  const send = async () => {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
      const files = batch.map(({ file }) => file);
      const answer = await world.store(sender, files).catch((error: unknown) => String(error));
      const refusal = typeof answer === 'string' ? answer : `${answer.status} ${answer.text}`;
      if (typeof answer === 'string' || answer.status !== 200) refusals.push(refusal);
      if (typeof answer === 'string' || ![200, 202].includes(answer.status)) continue;
      for (const sop of told(answer).stored) acknowledged.add(sop);
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, send));
  return refusals;
}

async function killGateway(world: World): Promise<void> {
  const dead = world.gateway;
  process.kill(dead.pid, 'SIGKILL');
  await dead.exited;
  world.gateway = await world.secondGateway();
  await dead.stop();
}

/** The file of every instance of the studies as the gateway returns it, by SOP Instance UID. */
async function retrieved(
  world: World,
  reader: Caller,
  studies: readonly string[],
): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (const study of studies) {
    const answer = await fetch(`${world.gateway.url}/dicom-web/studies/${study}`, {
      headers: { authorization: reader.authorization },
    });
    if (answer.status === 404) continue;
    expect(answer.status).toBe(200);
    const type = answer.headers.get('content-type') ?? '';
    for (const part of partsOf(type, Buffer.from(await answer.arrayBuffer())))
      found.set(part.headers['content-location']?.split('/').at(-1) ?? '', part.body);
  }
  return found;
}
