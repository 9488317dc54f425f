import postgres from 'postgres';
import type { Test } from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshUid, TransferSyntax } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { sessionOf } from '../authn/signing.in.ts';
import { type Caller, type Person, startWorld, type World } from '../support/world.ts';

const { explicitLittle, implicitLittle } = TransferSyntax;
const study = freshUid();
const series = freshUid();
const sop = freshUid();
const instance = `/studies/${study}/series/${series}/instances/${sop}`;
const patient = { patientName: 'Protokoll^Paula', patientId: 'AUDIT-PATIENT-77' };

let world: World;
let sender: Caller;
let reader: Person;
beforeAll(async () => {
  world = await startWorld({ LOG_LEVEL: 'trace' });
  sender = await world.machine();
  const base = { studyUid: study, seriesUid: series, ...patient };
  await world
    .store(sender, [makeInstance({ ...base, sopUid: sop, frames: 3 }), makeInstance(base)])
    .expect(200);
  reader = await world.radiologist(study);
});
afterAll(() => world?.stop());

async function count(): Promise<number> {
  const [row] = await world.sql`select count(*)::int as count from audit`;
  return Number(row?.['count']);
}

/** Rows of this account, oldest first. */
function rowsOf(caller: Caller) {
  return world.sql`select kind, action, status, study_uid, patient_id, patient_issuer, requests, instances, frames, bytes, via, address
    from audit where account_id = ${caller.id} order by id`;
}

describe('the audit', () => {
  it('has a row for a store, with what was stored', async () => {
    const rows = await rowsOf(sender);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      kind: 'answer',
      action: 'POST /dicom-web/studies',
      status: 200,
      instances: '2',
    });
    expect(rows[0]).toMatchObject({ study_uid: study, via: 'key', address: '127.0.0.1' });
    expect(rows[0]).toMatchObject({ patient_id: patient.patientId });
  });

  it('has a row for each search, metadata refusal and unknown study, by route and not by path', async () => {
    const person = await world.radiologist(study);
    await world.get(person, `/studies?PatientName=${patient.patientName}`).expect(200);
    await world.get(person, `/studies/${study}/series`).expect(200);
    await world.get(person, `/studies/${freshUid()}`).expect(404);
    await world.get(person, '/studies?limit=x').expect(400);
    const rows = (await rowsOf(person)).filter((row) => String(row['action']).startsWith('GET'));
    expect(rows.map((row) => [row['kind'], row['action'], row['status']])).toEqual([
      ['answer', 'GET /dicom-web/studies', 200],
      ['answer', 'GET /dicom-web/studies/:study/series', 200],
      ['answer', 'GET /dicom-web/studies/:study', 404],
      ['answer', 'GET /dicom-web/studies', 400],
    ]);
    expect(rows[1]).toMatchObject({
      study_uid: study,
      patient_id: patient.patientId,
      patient_issuer: 'TEST',
    });
    expect(JSON.stringify(rows)).not.toContain('Paula');
  });

  it('names the requested study or patient also when nothing was found', async () => {
    const person = await world.radiologist(freshUid());
    const wado = `/wado?requestType=WADO&studyUID=${study}&seriesUID=${series}&objectUID=${sop}`;
    const own = (one: Test) => one.set('authorization', person.authorization);
    for (const path of [`/studies/${study}/series`, `${instance}/metadata`, `${instance}/frames/1`])
      await world.get(person, path).expect(404);
    await own(world.http.get(wado)).expect(404);
    await own(world.http.delete(`/dicom-web/studies/${study}`)).expect(403);
    await world.get(person, `/studies?StudyInstanceUID=${study}`).expect(200, []);
    await world.get(person, `/series?PatientID=${patient.patientId}`).expect(200, []);
    await world.get(person, `/studies?PatientID=${patient.patientId.slice(0, 5)}*`).expect(200, []);
    const asked = (await rowsOf(person)).slice(-8).map((row) => [row['study_uid'], row['patient_id']]);
    expect(asked).toEqual([
      ...Array.from({ length: 6 }, () => [study, null]),
      [null, patient.patientId],
      [null, null],
    ]);
  });

  it('has one opened row for many frames, naming study and patient', async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      await Promise.all(
        [1, 2, 3].map((frame) => world.get(reader, `${instance}/frames/${frame}`).expect(200)),
      );
    }
    await world.get(reader, `${instance}/metadata`).expect(200);
    const rows = (await rowsOf(reader)).filter((row) => row['kind'] === 'opened');
    expect(rows.map((row) => row['action'])).toEqual(['read frames', 'read metadata']);
    expect(rows[0]).toMatchObject({
      study_uid: study,
      patient_id: patient.patientId,
      patient_issuer: 'TEST',
    });
  });

  it('has another opened row for another client of the same account', async () => {
    const person = await world.radiologist(study);
    await world.get(person, `${instance}/frames/1`).set('user-agent', 'one').expect(200);
    await world.get(person, `${instance}/frames/1`).set('user-agent', 'two').expect(200);
    const rows = (await rowsOf(person)).filter((row) => row['kind'] === 'opened');
    expect(rows).toHaveLength(2);
  });

  it('has another opened row for another way of signing in', async () => {
    const person = await world.radiologist(study);
    const { cookie } = await sessionOf(world, person);
    await world.get(person, `${instance}/frames/1`).expect(200);
    await world.http.get(`/dicom-web${instance}/frames/1`).set('cookie', cookie).expect(200);
    const rows = (await rowsOf(person)).filter((row) => row['kind'] === 'opened');
    expect(rows.map((row) => row['via'])).toEqual(['token', 'session']);
  });

  it('has another opened row when the study is another patient’s', async () => {
    const moved = { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid() };
    const before = freshUid();
    const after = freshUid();
    await world.store(sender, [makeInstance({ ...moved, patientId: before })]).expect(200);
    const person = await world.radiologist(moved.studyUid);
    const frame = `/studies/${moved.studyUid}/series/${moved.seriesUid}/instances/${moved.sopUid}/frames/1`;
    await world.get(person, frame).expect(200);
    await world.sql`update patients set patient_id = ${after} where patient_id = ${before}`;
    // The gateway may remember the study for a few seconds.
    const patients = async () => {
      await world.get(person, frame).expect(200);
      const rows = (await rowsOf(person)).filter((row) => row['kind'] === 'opened');
      return rows.map((row) => row['patient_id']);
    };
    await expect.poll(patients).toEqual([before, after]);
  });

  it('has no rows for health, readiness and public keys', async () => {
    const before = await count();
    for (const path of ['/health/live', '/health/ready', '/.well-known/jwks.json']) {
      await world.http.get(path).expect(200);
    }
    expect(await count()).toBe(before);
  });

  it('can only be appended to by the gateway', async () => {
    const app = postgres(world.database.appUrl, { max: 1, onnotice: () => undefined });
    try {
      await expect(app`update audit set status = 200`).rejects.toMatchObject({ code: '42501' });
      await expect(app`delete from audit`).rejects.toMatchObject({ code: '42501' });
      await expect(app`truncate audit`).rejects.toMatchObject({ code: '42501' });
      await expect(app`drop table audit`).rejects.toMatchObject({ code: '42501' });
    } finally {
      await app.end();
    }
  });

  describe('of a gateway that is stopped', () => {
    const whole = { studyUid: study, seriesUid: freshUid(), sopUid: freshUid() };
    const video = { studyUid: study, seriesUid: freshUid(), sopUid: freshUid() };
    let person: Person;
    let other: Person;
    /** The number of bytes that `other` has received of the large file and of the video. */
    let sent: number[];
    beforeAll(async () => {
      const fragments = [Buffer.alloc(5000, 7)];
      const files = [
        makeInstance({ ...whole, ...patient, transferSyntax: implicitLittle, rows: 1024, columns: 1024 }),
        makeInstance({
          ...video,
          ...patient,
          transferSyntax: '1.2.840.10008.1.2.4.102',
          extra: [element('7FE00010', 'OB', { fragments })],
        }),
      ];
      await world.store(sender, files).expect(200);
      [person, other] = [await world.radiologist(study), await world.radiologist(study)];
      const gateway = await world.secondGateway();
      const read = async (path: string, who: Person, wish: Record<string, string> = {}) => {
        const headers = { authorization: who.authorization, ...wish };
        return (await (await fetch(`${gateway.url}/dicom-web${path}`, { headers })).arrayBuffer()).byteLength;
      };
      for (let turn = 0; turn < 2; turn += 1) await read(`${instance}/frames/1,2`, person);
      for (let turn = 0; turn < 3; turn += 1)
        expect((await fetch(`${gateway.url}/dicom-web/studies`)).status).toBe(401);
      const at = ({ seriesUid, sopUid }: typeof whole) =>
        `/studies/${study}/series/${seriesUid}/instances/${sopUid}`;
      const accept = `application/dicom; transfer-syntax=${explicitLittle}`;
      sent = [
        await read(at(whole), other, { accept }),
        await read(`${at(video)}/rendered`, other, { range: 'bytes=100-299' }),
      ];
      await gateway.stop();
    });

    it('has totals and anonymous refusals', async () => {
      const totals = (await rowsOf(person)).filter((row) => row['kind'] === 'totals');
      expect(totals).toHaveLength(1);
      expect(totals[0]).toMatchObject({ action: 'read frames', study_uid: study });
      expect(totals.map(({ requests, frames, bytes }) => [requests, frames, bytes].map(Number))).toEqual([
        [2, 4, 512],
      ]);
      const refused = await world.sql`select address, requests from audit where kind = 'refused'`;
      expect(refused.map(({ address, requests }) => [address, Number(requests)])).toEqual([['127.0.0.1', 3]]);
    });

    it('counts the bytes sent: all of a rewritten large file, the range of a video', async () => {
      expect(sent[0]).toBeGreaterThan(1024 * 1024);
      expect(sent[1]).toBe(200);
      const totals = (await rowsOf(other)).filter((row) => row['kind'] === 'totals');
      const counted = totals.map(({ action, instances, bytes }) => [
        action,
        Number(instances),
        Number(bytes),
      ]);
      expect(new Set(counted)).toEqual(
        new Set([
          ['read instance', 1, sent[0]],
          ['read rendered', 1, 200],
        ]),
      );
    });
  });

  it('keeps names, ids, tokens and passwords out of the log', async () => {
    await world.http
      .post('/api/auth/login')
      .send({ username: reader.name, password: reader.password })
      .expect(200);
    await world.http
      .post('/api/auth/login')
      .send({ username: reader.name, password: 'a-wrong-Passw0rd' })
      .expect(401);
    await world
      .get(reader, `/studies?PatientName=${patient.patientName}&PatientID=${patient.patientId}`)
      .expect(200);
    await world.get(reader, `/studies/${study}`).expect(200);
    await world.get(reader, '/studies?PatientName=%ff').expect(400);
    await world.store(sender, [makeInstance({ studyUid: study, ...patient, patientId: 'ANOTHER-PATIENT' })]);
    const log = await world.gateway.logged();
    expect(log).toContain('listening');
    const secrets = ['Protokoll', 'Paula', 'AUDIT-PATIENT', 'ANOTHER-PATIENT', 'a-wrong-Passw0rd'];
    const { ORTHANC_PASSWORD, MASTER_KEY, ADMIN_PASSWORD } = world.gateway.env;
    const token = reader.authorization.replace('Bearer ', '');
    for (const secret of [
      ...secrets,
      reader.password,
      token,
      ORTHANC_PASSWORD,
      MASTER_KEY,
      ADMIN_PASSWORD,
      'rgk_',
    ]) {
      expect(secret).toBeDefined();
      expect(log.includes(String(secret)), 'the log holds a secret').toBe(false);
    }
  });
});

describe('when no row can be written', () => {
  beforeAll(() => world.sql`revoke insert on audit from radgate_app`);
  afterAll(() => world.sql`grant insert on audit to radgate_app`);

  it.each([
    '/studies',
    `/studies/${study}/series`,
    `/studies/${study}`,
    instance,
    `${instance}/metadata`,
    `${instance}/frames/1`,
  ])('nothing of a patient leaves: %s', async (path) => {
    const person = { ...reader };
    // The new user agent makes this a separate client. Audit rows of earlier reads therefore do not cover this read.
    const answer = await world.get(person, path).set('user-agent', 'unrecorded');
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('5');
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.headers['x-total-count']).toBeUndefined();
    expect(answer.headers['x-request-id']).toBeDefined();
    expect(JSON.stringify([answer.headers, answer.text])).not.toMatch(/Paula|AUDIT-PATIENT/);
  });

  it('a store is not acknowledged', async () => {
    const answer = await world.store(sender, [makeInstance({ studyUid: freshUid() })]);
    expect(answer.status).toBe(503);
    expect(answer.text).not.toContain('00081199');
  });

  it('nobody is given a token or a cookie', async () => {
    const login = { username: reader.name, password: reader.password };
    const answer = await world.http.post('/api/auth/login').send({ ...login, session: true });
    expect(answer.status).toBe(503);
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(answer.text).not.toContain('token');
  });
});
