import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type DicomElement,
  encodeDataset,
  freshUid,
  TransferSyntax,
} from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { archived, told } from '../dicomweb/stow.answers.ts';
import { longForm, sample } from '../support/long.form.ts';
import { startOwnWorld, type Caller, type OwnWorld } from '../support/world.ts';
import { OF_EACH_KIND, REFUSED, STORED } from './transfer.syntaxes.table.ts';

/** Longer than the comparison of a small archive with the catalog takes. The tests wait for conditions, not for fixed times. */
const SOON = { timeout: 60_000, interval: 200 };
/** A long limit, because the tests restart gateways and archives. */
const LONG = 120_000;
const AT_ONCE = 6;
const HTJ2K = '1.2.840.10008.1.2.4.201';

interface Sent {
  readonly name: string;
  readonly syntax: string;
  readonly studyUid: string;
  readonly seriesUid: string;
  readonly sopUid: string;
  readonly file: Buffer;
}

let world: OwnWorld;
let sender: Caller;
let reader: Caller;
beforeAll(async () => {
  world = await startOwnWorld();
  sender = await world.machine();
  reader = await world.person({ rights: ['studies:read', 'system:operate'], scope: { kind: 'all' } });
});
afterAll(() => world?.stop());

function instanceOf(syntax: string, name = syntax, extra: DicomElement[] = []): Sent {
  const uids = { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid() };
  return { name, syntax, ...uids, file: makeInstance({ ...uids, transferSyntax: syntax, extra }) };
}

/** The same file with Private Information (0002,0102) of `bytes` bytes in the file meta information (PS3.10 §7.1). */
function withLongMeta(sent: Sent, bytes: number): Sent {
  const { file } = sent;
  const end = 144 + file.readUInt32LE(140);
  const { explicitLittle } = TransferSyntax;
  const more = encodeDataset(
    [element('00020100', 'UI', '2.25.1'), element('00020102', 'OB', Buffer.alloc(bytes, 1))],
    explicitLittle,
  );
  const meta = Buffer.concat([file.subarray(144, end), more]);
  const length = encodeDataset([element('00020000', 'UL', [meta.length])], explicitLittle);
  return { ...sent, file: Buffer.concat([file.subarray(0, 132), length, meta, file.subarray(end)]) };
}

const Instances = z.array(z.looseObject({ '00080018': z.object({ Value: z.tuple([z.string()]) }) }));

/** For each instance, the results of four requests: search, retrieval of the file, metadata, and a repeated STOW. */
async function seen(sent: readonly Sent[]): Promise<Record<string, unknown>> {
  const search = await world.get(reader, '/instances?limit=1000').expect(200);
  const found = new Set(Instances.parse(search.body).map((one) => one['00080018'].Value[0]));
  const again = told(
    await world.store(
      sender,
      sent.map(({ file }) => file),
    ),
  );
  const answers = new Map<string, object>();
  const left = sent.values();
  const askAll = async () => {
    for (const { name, studyUid, seriesUid, sopUid, file } of left) {
      const path = `/studies/${studyUid}/series/${seriesUid}/instances/${sopUid}`;
      const accept = 'application/dicom; transfer-syntax=*';
      const stored = await world.get(reader, path).set('accept', accept).responseType('blob');
      const metadata = await world.get(reader, `${path}/metadata`);
      answers.set(name, {
        found: found.has(sopUid),
        retrieved: Buffer.isBuffer(stored.body) && stored.body.equals(file),
        metadata: metadata.status,
        again: again.stored.includes(sopUid),
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askAll));
  return Object.fromEntries(sent.map(({ name }) => [name, answers.get(name)]));
}

const WELL = { found: true, retrieved: true, metadata: 200, again: true };

function allWell(sent: readonly Sent[]): Record<string, unknown> {
  return Object.fromEntries(sent.map(({ name }) => [name, WELL]));
}

async function rebuilt(): Promise<void> {
  const as = { authorization: reader.authorization };
  await world.http.post('/api/catalog/rebuild').set(as).expect(202);
  const state = async () => (await world.http.get('/api/catalog/rebuild').set(as)).body;
  await expect.poll(state, SOON).toMatchObject({ state: 'completed' });
}

async function swept(): Promise<void> {
  await world.sql`update sweep set phase = 'catalog', position = 0, hurried = true, last = null`;
  const last = async () => (await world.sql`select last from sweep`)[0]?.['last'];
  await expect.poll(last, SOON).not.toBeNull();
}

async function restarted(): Promise<void> {
  await world.gateway.stop();
  await world.orthanc.kill();
  await world.orthanc.restart();
  world.gateway = await world.secondGateway();
}

const counted = async () => {
  const [row] = await world.sql`
    select (select count(*)::int from instances) as shown, (select count(*)::int from quarantined) as waiting`;
  return row;
};

describe('each transfer syntax of PS3.6, and unknown ones', { timeout: LONG }, () => {
  const fragments = [Buffer.alloc(1_500_000, 7)];
  const sent = [
    ...longForm(STORED, OF_EACH_KIND).map((syntax) => instanceOf(syntax)),
    instanceOf(HTJ2K, 'too large to be hashed at once', [element('7FE00010', 'OB', { fragments })]),
    withLongMeta(instanceOf(HTJ2K, 'long file meta information'), 300_000),
  ];

  it('is stored', async () => {
    const answer = await world.store(
      sender,
      sent.map(({ file }) => file),
    );
    expect(told(answer).failed).toEqual({});
    expect(await seen(sent)).toEqual(allWell(sent));
  });

  it('or is refused at once, and nothing of it is in the archive', async () => {
    for (const syntax of sample(REFUSED, 5)) {
      const { sopUid, file } = instanceOf(syntax);
      const answer = await world.store(sender, [file]);
      expect({ syntax, failed: told(answer).failed }).toEqual({ syntax, failed: { [sopUid]: 0xc122 } });
    }
    expect(await archived(world)).toBe(sent.length);
  });

  it('stays through a restart of gateway and archive, a rebuild and a sweep, also when the archive keeps its files anew', async () => {
    await restarted();
    await rebuilt();
    await world.sql`update instances set file_uuid = 'of another copy'`;
    await swept();
    expect(await seen(sent)).toEqual(allWell(sent));
    expect(await counted()).toEqual({ shown: sent.length, waiting: 0 });
  });

  it('is all there again when the catalog is lost', async () => {
    await world.sql`truncate patients, studies, series, instances, pending, rejections, rejected_instances`;
    await rebuilt();
    expect(await seen(sent)).toEqual(allWell(sent));
    expect(await counted()).toEqual({ shown: sent.length, waiting: 0 });
  });

  it('comes back by itself from the quarantine that an earlier version put it into', async () => {
    await world.gateway.stop();
    await world.sql`
        with put_aside as (
          insert into quarantine (orthanc_study, reason) select orthanc_id, 'unusable' from studies returning id, orthanc_study)
        insert into quarantined (orthanc_id, quarantine)
          select i.orthanc_id, p.id from instances i join series e on e.id = i.series
            join studies s on s.id = e.study join put_aside p on p.orthanc_study = s.orthanc_id`;
    await world.sql`truncate patients, studies, series, instances, pending, rejections, rejected_instances`;
    world.gateway = await world.secondGateway();
    await expect.poll(counted, SOON).toEqual({ shown: sent.length, waiting: 0 });
    expect(await seen(sent)).toEqual(allWell(sent));
  });
});
