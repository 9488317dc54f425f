import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { type DicomElement, freshUid, TransferSyntax } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance, SopClass } from '../../infra/demo/dicom.writer.ts';
import { openPrefix } from '../../infra/local/prefix.ts';
import { told } from '../dicomweb/stow.answers.ts';
import { longForm, sample } from '../support/long.form.ts';
import { startWorld, type Caller, type World } from '../support/world.ts';
import { OF_EACH_KIND, STORED } from './transfer.syntaxes.table.ts';

/** Longer than the comparison of a small archive with the catalog takes. The tests wait for conditions, not for fixed times. */
const SOON = { timeout: 60_000, interval: 200 };
/** A long limit, because the tests restart gateways and open dozens of associations. */
const LONG = 120_000;
const HTJ2K = '1.2.840.10008.1.2.4.201';
const UNKNOWN = '1.2.840.10008.1.2.4.99';
const AT_ONCE = 4;

let world: World;
let sender: Caller;
let operator: Caller;
beforeAll(async () => {
  world = await startWorld();
  sender = await world.machine();
  operator = await world.person({ rights: ['studies:read', 'system:operate'], scope: { kind: 'all' } });
});
afterAll(() => world?.stop());

function uids() {
  return { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid() };
}

/** Compares the whole catalog with the archive by a sweep, and then by a rebuild. */
async function compared(): Promise<void> {
  await world.sql`update instances set file_uuid = 'of another copy'`;
  await world.sql`update sweep set phase = 'catalog', position = 0, hurried = true, last = null`;
  const last = async () => (await world.sql`select last from sweep`)[0]?.['last'];
  await expect.poll(last, SOON).not.toBeNull();
  await rebuilt();
}

async function rebuilt(): Promise<void> {
  const as = { authorization: operator.authorization };
  await world.http.post('/api/catalog/rebuild').set(as).expect(202);
  const state = async () => (await world.http.get('/api/catalog/rebuild').set(as)).body;
  await expect.poll(state, SOON).toMatchObject({ state: 'completed' });
}

/** The patient, issuer, institution and accounts of each study in the catalog. */
async function owners(): Promise<Record<string, unknown>> {
  const rows = await world.sql`
    select s.study_uid, p.patient_id, p.issuer, s.institution, s.created_by, i.stored_by, i.modality
    from studies s join patients p on p.id = s.patient join series e on e.study = s.id join instances i on i.series = e.id`;
  return Object.fromEntries(rows.map(({ study_uid: study, ...row }) => [String(study), row]));
}

/** PatientIDs and issuers by character set (PS3.3 C.12.1.1.2), including invalid ones. */
const IDENTIFIERS: Readonly<Record<string, { charset: string; id: Buffer; issuer?: Buffer }>> = {
  ascii: { charset: '', id: Buffer.from('MRN-1') },
  'Latin 1 without a character set': { charset: '', id: Buffer.from('MRN-\xe9', 'latin1') },
  'Latin 1': { charset: 'ISO_IR 100', id: Buffer.from('MRN-\xe9', 'latin1') },
  'UTF-8': { charset: 'ISO_IR 192', id: Buffer.from('MRN-é里') },
  'UTF-8 that is none': { charset: 'ISO_IR 192', id: Buffer.from('MRN-\xe9X', 'latin1') },
  'an unknown character set': { charset: 'ISO_IR 999', id: Buffer.from('MRN-\xe9', 'latin1') },
  'Japanese by escapes': {
    charset: '\\ISO 2022 IR 87',
    id: Buffer.from('MRN-\x1b$B;3ED\x1b(B', 'latin1'),
  },
  'Korean by escapes': { charset: '\\ISO 2022 IR 149', id: Buffer.from('\x1b$)C\xb1\xe8', 'latin1') },
  GB18030: { charset: 'GB18030', id: Buffer.from('\xcd\xf5', 'latin1') },
  'Shift JIS': { charset: 'ISO_IR 13', id: Buffer.from('MRN-\xd4\xcf', 'latin1') },
  'Thai, issuer too': {
    charset: 'ISO_IR 166',
    id: Buffer.from('\xa1\xa2', 'latin1'),
    issuer: Buffer.from('\xa3\xa4', 'latin1'),
  },
  'issuer in Latin 1 without a character set': {
    charset: '',
    id: Buffer.from('MRN-2'),
    issuer: Buffer.from('K\xfcche', 'latin1'),
  },
  'two values': { charset: '', id: Buffer.from('MRN-A\\MRN-B') },
  'blanks around': { charset: '', id: Buffer.from('  MRN-3  ') },
  'a NUL at its end': { charset: '', id: Buffer.from('MRN-4\0') },
  'a tab and a no-break space': { charset: 'ISO_IR 192', id: Buffer.from('\tMRN-5\u00a0 ') },
  'as long as is taken': { charset: '', id: Buffer.from('L'.repeat(256)) },
  'as long as is taken, in UTF-8': { charset: 'ISO_IR 192', id: Buffer.from('é'.repeat(256)) },
  empty: { charset: '', id: Buffer.alloc(0) },
};

/** Instances with the identifiers above after one STOW request. `refused` has the SOP Instance UIDs that were not stored. */
interface IdentifiedStore {
  readonly sent: readonly { readonly name: string; readonly sopUid: string }[];
  readonly refused: readonly string[];
  readonly before: Record<string, unknown>;
  /** The current owners of the instances, by the name of the identifier. */
  readonly named: () => Promise<Record<string, unknown>>;
  /** Stores all instances again. */
  readonly all: () => ReturnType<World['store']>;
}

async function identifiedStore(): Promise<IdentifiedStore> {
  const sent = Object.entries(IDENTIFIERS).map(([name, { charset, id, issuer }]) => {
    const extra: DicomElement[] = [element('00100020', 'LO', id), element('00080005', 'CS', charset)];
    if (issuer !== undefined) extra.push(element('00100021', 'LO', issuer));
    const { studyUid, seriesUid, sopUid } = uids();
    const file = makeInstance({ studyUid, seriesUid, sopUid, extra });
    return { name, studyUid, sopUid, file };
  });
  const all = () =>
    world.store(
      sender,
      sent.map(({ file }) => file),
    );
  const refused = Object.keys(told(await all()).failed);
  // The gateway refuses invalid identifiers immediately.
  const names = sent.flatMap(({ name, sopUid }) => (refused.includes(sopUid) ? [name] : []));
  expect(names).toEqual(['as long as is taken, in UTF-8']);
  const named = async () => {
    const found = await owners();
    return Object.fromEntries(sent.map(({ name, studyUid }) => [name, found[studyUid]]));
  };
  const before = await named();
  expect(Object.values(before).filter((owner) => owner === undefined)).toHaveLength(1);
  return { sent, refused, before, named, all };
}

/** Transfer syntaxes that both Orthanc 1.12.7 and DCMTK 3.6.9 support: uncompressed, JPEG, JPEG-LS, JPEG 2000, unfragmented video, RLE. */
const BY_DICOM = /\.1\.2(\.1|\.1\.99|\.2|\.5|\.4\.(5\d|6[0-6]|[789]\d|10\d)(?<!94|99))?$/;

/** A storescu profile that proposes only this transfer syntax, for CT images. */
function profileOf(syntax: string): string {
  return [
    '[[TransferSyntaxes]]',
    '[Sent]',
    `TransferSyntax1 = ${syntax}`,
    '[[PresentationContexts]]',
    '[Sent]',
    `PresentationContext1 = ${SopClass.ct}\\Sent`,
    '[[Profiles]]',
    '[Sent]',
    'PresentationContexts = Sent',
  ].join('\n');
}

/** Sends a file by storescu with the profile of its transfer syntax. Returns false if the archive does not accept the transfer syntax. */
function send(file: string): Promise<boolean> {
  const prefix = openPrefix(inject('prefix'));
  const profile = ['-xf', `${file}.cfg`, 'Sent'];
  const to = [...profile, '-aec', world.orthanc.aet, '127.0.0.1', String(world.orthanc.dicomPort)];
  const [program = '', ...args] = prefix.command('usr/bin/storescu', ...to, file);
  const DCMDICTPATH = join(prefix.folder, 'usr/share/dcmtk/dicom.dic');
  return promisify(execFile)(program, args, { env: { DCMDICTPATH } }).then(
    () => true,
    () => false,
  );
}

/** An instance that the archive has accepted from storescu. */
interface SentByDicom {
  readonly syntax: string;
  readonly sopUid: string;
  readonly path: string;
}
const OFFERED = longForm(STORED, sample(OF_EACH_KIND, 7));

/** Sends an instance of each transfer syntax by storescu, twice. Returns the instances after the catalog has all of them. */
async function sentByDicom(): Promise<SentByDicom[]> {
  const dir = await mkdtemp(join(tmpdir(), 'radgate-syntaxes-'));
  const taken: SentByDicom[] = [];
  try {
    const left = OFFERED.values();
    const sendAll = async () => {
      for (const syntax of left) {
        const one = uids();
        const file = join(dir, syntax);
        await writeFile(file, makeInstance({ ...one, transferSyntax: syntax }));
        await writeFile(`${file}.cfg`, profileOf(syntax));
        if (!(await send(file))) continue;
        const path = `/studies/${one.studyUid}/series/${one.seriesUid}/instances/${one.sopUid}`;
        taken.push({ syntax, sopUid: one.sopUid, path });
        expect(await send(file)).toBe(true);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, sendAll));
    await expect.poll(() => missingOf(taken), SOON).toEqual([]);
    return taken;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** The transfer syntaxes whose instances are not in the catalog. */
async function missingOf(taken: readonly SentByDicom[]): Promise<string[]> {
  const rows = await world.sql`select sop_uid from instances`;
  const known = new Set(rows.map((row) => row['sop_uid']));
  return taken.flatMap(({ syntax, sopUid }) => (known.has(sopUid) ? [] : [syntax]));
}

describe('a comparison of the whole archive', { timeout: LONG }, () => {
  let identified: IdentifiedStore;
  let taken: readonly SentByDicom[];

  it('finds everything that was stored and sent', async () => {
    taken = await sentByDicom();
    identified = await identifiedStore();
    await compared();
  });

  it('identifiers that the archive decodes differently stay with the patient and account of the acknowledged store', async () => {
    const { sent, refused, named, before, all } = identified;
    expect(await named()).toEqual(before);
    expect(Object.keys(told(await all()).failed)).toEqual(refused);
    const aside = await world.sql`
      select g.reason, w.sop_uid from quarantined w join quarantine g on g.id = w.quarantine`;
    expect(
      aside.map((row) => [row['reason'], sent.find(({ sopUid }) => sopUid === row['sop_uid'])?.name]),
    ).toEqual([]);
  });

  it('what came by C-STORE in every transfer syntax that storescu sends stays, and the same again is a success', async () => {
    expect(await missingOf(taken)).toEqual([]);
    for (const { path } of taken) {
      const accept = 'application/dicom; transfer-syntax=*';
      const stored = await world.get(operator, path).set('accept', accept).responseType('blob').expect(200);
      await world.get(operator, `${path}/metadata`).expect(200);
      await world.store(sender, [z.instanceof(Buffer).parse(stored.body)]).expect(200);
    }
    // These are all transfer syntaxes that Orthanc 1.12.7 accepts. A newer version may accept more.
    const known = OFFERED.filter((syntax) => BY_DICOM.test(syntax));
    expect(taken.map(({ syntax }) => syntax)).toEqual(expect.arrayContaining(known));
  });
});

describe('instances that arrive past the gateway', { timeout: LONG }, () => {
  it('belong to the patient that STOW reads from the same bytes', async () => {
    const studies = Object.entries(IDENTIFIERS).map(([name, { charset, id, issuer }]) => {
      const extra: DicomElement[] = [element('00100020', 'LO', id), element('00080005', 'CS', charset)];
      if (issuer !== undefined) extra.push(element('00100021', 'LO', issuer));
      const studyUid = freshUid();
      const one = () => makeInstance({ ...uids(), studyUid, extra });
      return { name, studyUid, stored: one(), beside: one() };
    });
    const stored = studies.map((study) => study.stored);
    const answer = await world.store(sender, stored);
    expect(answer.status).toBe(202);
    const taken = studies.filter(({ name }) => name !== 'as long as is taken, in UTF-8');
    const before = await owners();
    for (const { beside } of taken)
      await world.archive('/instances', { method: 'POST', body: new Uint8Array(beside) });
    const counts = async () => {
      const rows = await world.sql`select study_uid, instance_count from studies`;
      const counted = new Map(rows.map((row) => [row['study_uid'], row['instance_count']]));
      return taken.flatMap(({ name, studyUid }) => (counted.get(studyUid) === 2 ? [] : [name]));
    };
    await expect.poll(counts, SOON).toEqual([]);
    const after = await world.sql`
      select s.study_uid, p.patient_id, p.issuer from studies s join patients p on p.id = s.patient`;
    for (const { study_uid: study, ...patient } of after)
      expect(before[String(study)]).toMatchObject(patient);
    expect(await world.sql`select 1 from quarantined`).toEqual([]);
  });
});

describe(
  'an instance that the change feed lists before its STOW request completes',
  { timeout: LONG },
  () => {
    it('is not quarantined, although Orthanc decodes its PatientID differently', async () => {
      const { studyUid, seriesUid, sopUid } = uids();
      const id = element('00100020', 'LO', Buffer.from('MRN-\xe9', 'latin1'));
      const file = makeInstance({ studyUid, seriesUid, sopUid, extra: [id] });
      const lastChange = async () => {
        const answer = await (await world.archive('/changes?last')).json();
        return z.object({ Last: z.number() }).parse(answer).Last;
      };
      const before = await lastChange();
      const hasFollowed = async () => {
        const [cursor] = await world.sql`select position::int as position from archive_cursor`;
        const last = await lastChange();
        return last > before && cursor?.['position'] === last;
      };
      // The lock delays the insert of the instance. The reservation and Orthanc's copy of the instance already exist, so the watcher must
      // check the instance again later.
      const answer = await world.sql.begin(async (lock) => {
        await lock`lock table instances in share mode`;
        const storing = world.store(sender, [file]).then(({ status }) => status);
        await expect.poll(hasFollowed, SOON).toBe(true);
        return { storing };
      });
      expect(await answer.storing).toBe(200);
      // The rebuild runs only after the watcher has checked the instance again.
      await rebuilt();
      expect(await world.sql`select reason from quarantine`).toEqual([]);
      expect(await owners()).toHaveProperty([studyUid]);
    });
  },
);

describe('an instance that an earlier version quarantined for its transfer syntax', { timeout: LONG }, () => {
  it('returns to its patient and account', async () => {
    const machine = await world.machine(
      [{ rights: ['studies:store', 'studies:read'], scope: { kind: 'own-uploads' } }],
      { institution: 'North', issuer: 'NORTH' },
    );
    const one = uids();
    await world.store(machine, [makeInstance({ ...one, transferSyntax: HTJ2K })]).expect(200);
    const before = (await owners())[one.studyUid];
    expect(before).toMatchObject({ issuer: 'NORTH', institution: 'North', stored_by: machine.id });
    await world.gateway.stop();
    await world.sql`
      with put_aside as (
        insert into quarantine (orthanc_study, reason) select orthanc_id, 'unusable' from studies
        where study_uid = ${one.studyUid} returning id)
      insert into quarantined (orthanc_id, quarantine)
        select i.orthanc_id, p.id from instances i, put_aside p where i.sop_uid = ${one.sopUid}`;
    await world.sql`select remove_instance(id) from instances where sop_uid = ${one.sopUid}`;
    world.gateway = await world.secondGateway();
    await expect.poll(async () => (await owners())[one.studyUid], SOON).toEqual(before);
    expect((await world.get(machine, '/studies').expect(200)).body).toHaveLength(1);
  });
});

describe('re-identifying an instance in quarantine', { timeout: LONG }, () => {
  it.each(longForm([UNKNOWN, HTJ2K, TransferSyntax.rle], [UNKNOWN, HTJ2K]))(
    '%s: its transfer syntax stays, or it is refused and goes on waiting',
    async (syntax) => {
      const one = uids();
      await world.store(sender, [makeInstance({ ...one, patientId: 'FIRST' })]).expect(200);
      const other = { ...one, seriesUid: freshUid(), sopUid: freshUid() };
      const file = makeInstance({ ...other, patientId: 'SECOND', transferSyntax: syntax });
      const answer = await world.archive('/instances', { method: 'POST', body: new Uint8Array(file) });
      expect(answer.status).toBe(200);
      const waiting = async () => {
        const rows = await world.sql`
          select g.id from quarantine g join quarantined w on w.quarantine = g.id where w.study_uid = ${one.studyUid}`;
        return rows.map(({ id }) => String(id));
      };
      await expect.poll(waiting, SOON).toHaveLength(1);
      const [id = ''] = await waiting();
      const decided = await world.http
        .post(`/api/quarantine/${id}/decide`)
        .set('authorization', operator.authorization)
        .send({ decision: 're-identify', patient_id: 'FIRST' });
      const shown = async () =>
        (await world.sql`select transfer_syntax from instances where sop_uid = ${other.sopUid}`).map(
          (row) => row['transfer_syntax'],
        );
      const isKnown = syntax !== UNKNOWN;
      expect(decided.status).toBe(isKnown ? 200 : 409);
      if (isKnown) await expect.poll(shown, SOON).toEqual([syntax]);
      else expect(await waiting()).toEqual([id]);
    },
  );
});
