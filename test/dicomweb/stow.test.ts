import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { startWorld, type Caller, type World } from '../support/world.ts';
import { MAX_INSTANCE_BYTES, registerStowFailures } from './stow.failures.scenarios.ts';
import { archived, bigInstance, catalogued, told } from './stow.answers.ts';

let world: World;
let modality: Caller;
beforeAll(async () => {
  world = await startWorld({
    MAX_INSTANCE_BYTES: String(MAX_INSTANCE_BYTES),
    PUBLIC_URL: 'https://pacs.example',
  });
  modality = await world.machine();
});
afterAll(() => world?.stop());

const all = { rights: ['studies:store', 'studies:read'], scope: { kind: 'all' } };

describe('the answer to a store', () => {
  it('all stored is 200, each with its address under PUBLIC_URL', async () => {
    const [studyUid, seriesUid, sopUid] = [freshUid(), freshUid(), freshUid()];
    const answer = await world.store(modality, [makeInstance({ studyUid, seriesUid, sopUid })]).expect(200);
    expect(answer.headers['content-type']).toMatch(/^application\/dicom\+json/);
    const study = `https://pacs.example/dicom-web/studies/${studyUid}`;
    expect(told(answer)).toEqual({
      study,
      stored: [sopUid],
      urls: [`${study}/series/${seriesUid}/instances/${sopUid}`],
      failed: {},
      unnamed: [],
    });
    const found = await world.get(await world.radiologist(studyUid), '/studies').expect(200);
    expect(JSON.parse(found.text)).toHaveLength(1);
  });

  it('some stored is 202, none is 409, and every part has its entry', async () => {
    const sopUid = freshUid();
    const torn = makeInstance().subarray(0, -20);
    const some = await world
      .store(modality, [Buffer.from('no DICOM'), makeInstance({ sopUid }), torn])
      .expect(202);
    expect(told(some)).toMatchObject({ stored: [sopUid], unnamed: [0xc000] });
    expect(Object.values(told(some).failed)).toEqual([0xc000]);
    const none = await world.store(modality, [Buffer.alloc(0), Buffer.alloc(200_000)]).expect(409);
    expect(told(none)).toMatchObject({ stored: [], unnamed: [0xc000, 0xc000] });
  });

  it('the same again is 200 and stored once', async () => {
    const [studyUid, sopUid] = [freshUid(), freshUid()];
    const file = makeInstance({ studyUid, sopUid });
    await world.store(modality, [file]).expect(200);
    const before = await archived(world);
    expect(told(await world.store(modality, [file, file]).expect(200)).stored).toEqual([sopUid, sopUid]);
    expect(await archived(world)).toBe(before);
    expect(await catalogued(world, studyUid)).toMatchObject({ instances: 1, counted: 1, pending: 0 });
  });

  it('other content under a known SOP Instance UID is 0x0111 and leaves the first as it is', async () => {
    const uids = { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid() };
    await world.store(modality, [makeInstance({ ...uids, studyDescription: 'first' })]).expect(200);
    const answer = await world
      .store(modality, [makeInstance({ ...uids, studyDescription: 'other' })])
      .expect(409);
    expect(told(answer).failed).toEqual({ [uids.sopUid]: 0x0111 });
    const path = `/studies/${uids.studyUid}/series/${uids.seriesUid}/instances/${uids.sopUid}/metadata`;
    const kept = await world.get(await world.radiologist(uids.studyUid), path).expect(200);
    expect(kept.text).toContain('first');
    expect(kept.text).not.toContain('other');
  });

  it('an instance above MAX_INSTANCE_BYTES is 0xA700 and the others are stored', async () => {
    const [large, small] = [freshUid(), freshUid()];
    const studyUid = freshUid();
    const files = [
      bigInstance(MAX_INSTANCE_BYTES, { studyUid, sopUid: large }),
      bigInstance(MAX_INSTANCE_BYTES - 5_000, { studyUid, sopUid: small }),
    ];
    const answer = await world.store(modality, files).expect(202);
    expect(told(answer)).toMatchObject({ stored: [small], failed: { [large]: 0xa700 } });
    expect(await catalogued(world, studyUid)).toMatchObject({ instances: 1, pending: 0 });
  });

  it('into a named study: what belongs to another fails', async () => {
    const studyUid = freshUid();
    const [own, other] = [freshUid(), freshUid()];
    const files = [makeInstance({ studyUid, sopUid: own }), makeInstance({ sopUid: other })];
    const answer = await world.store(modality, files, studyUid).expect(202);
    expect(told(answer)).toMatchObject({ stored: [own], failed: { [other]: 0x0110 } });
  });

  it('a PatientID that is too long or holds NUL is 0xC000, and long or odd values do no harm', async () => {
    const cut = makeInstance({ patientId: `A\0B` });
    const long = makeInstance({ patientId: 'P'.repeat(4000) });
    const odd = makeInstance({
      accessionNumber: Array.from({ length: 4000 }, (_, at) =>
        String.fromCharCode(0x400 + ((at * 7919) % 900)),
      ).join(''),
      institution: 'Y'.repeat(9000),
      studyDescription: 'a\0b',
      modality: 'CT\0',
    });
    const answer = await world.store(modality, [cut, long, odd]).expect(202);
    expect(told(answer).stored).toHaveLength(1);
    // The archive would truncate the PatientID at the NUL, so that catalog and archive would disagree.
    expect([...Object.values(told(answer).failed), ...told(answer).unnamed]).toEqual([0xc000, 0xc000]);
  });
});

describe('the bytes', () => {
  it('a preamble that is not zero comes back zeroed, everything else as it was', async () => {
    const uids = { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid() };
    const file = bigInstance(1_500_000, uids);
    const tainted = Buffer.concat([Buffer.alloc(128, 'MZ'), file.subarray(128)]);
    await world.store(modality, [tainted]).expect(200);
    const back = await world
      .get(
        await world.person(all),
        `/studies/${uids.studyUid}/series/${uids.seriesUid}/instances/${uids.sopUid}`,
      )
      .set('accept', 'application/dicom; transfer-syntax=*')
      .buffer(true)
      .parse((incoming, done) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () => done(null, Buffer.concat(chunks)));
      })
      .expect(200);
    expect(Buffer.compare(back.body, file)).toBe(0);
  });

  it('every transfer syntax the writer knows is stored, deflated too', async () => {
    const studyUid = freshUid();
    const files = [
      '1.2.840.10008.1.2',
      '1.2.840.10008.1.2.1.99',
      '1.2.840.10008.1.2.2',
      '1.2.840.10008.1.2.5',
    ].map((transferSyntax) => makeInstance({ studyUid, transferSyntax }));
    expect(told(await world.store(modality, files).expect(200)).stored).toHaveLength(4);
    expect(told(await world.store(modality, files).expect(200)).stored).toHaveLength(4);
  });
});

function part(file: Buffer, end: string): Buffer {
  return Buffer.concat([
    Buffer.from('--b\r\nContent-Type: application/dicom\r\n\r\n'),
    file,
    Buffer.from(end),
  ]);
}

describe('what is no store', () => {
  const type = 'multipart/related; type="application/dicom"; boundary=b';
  const send = (body: string | Buffer, contentType = type) =>
    world.http
      .post('/dicom-web/studies')
      .set('authorization', modality.authorization)
      .set('content-type', contentType)
      .send(body);
  it('a broken multipart body is 400', async () => {
    const file = makeInstance();
    await send(part(file, '')).expect(400);
    await send(part(file, '\r\n')).expect(400);
    await send(part(file, '\r\n--b')).expect(400);
    await send(part(file, '\n--b--\n')).expect(400);
    await send('--b\nContent-Type: application/dicom\n\nx\n--b--\n').expect(400);
    await send('--b--\r\n').expect(400);
    await send('garbage').expect(400);
    await send(part(file, '\r\n--b--\r\n'), 'multipart/related; type="application/dicom"').expect(400);
  });

  it('an instance of a broken body stays stored, is not acknowledged, and repeats cleanly', async () => {
    const [studyUid, sopUid] = [freshUid(), freshUid()];
    const file = makeInstance({ studyUid, sopUid });
    await send(part(file, '\r\n--b\r\nno header\r\n\r\nx\r\n--b--\r\n')).expect(400);
    expect(told(await world.store(modality, [file]).expect(200)).stored).toEqual([sopUid]);
    expect(await catalogued(world, studyUid)).toMatchObject({ instances: 1, pending: 0 });
    const [row] = await world.sql<{ instances: string }[]>`
      select instances from audit where status = 400 and study_uid = ${studyUid}`;
    expect(row).toEqual({ instances: '1' });
  });

  it('another media type or a Content-Encoding is 415', async () => {
    await send('x', 'application/octet-stream').expect(415);
    await send('x', 'multipart/form-data; boundary=b').expect(415);
    await send('x', 'multipart/related; type="application/dicom+json"; boundary=b').expect(415);
    await send(part(makeInstance(), '\r\n--b--\r\n')).set('content-encoding', 'gzip').expect(415);
    await send('--b\r\nContent-Type: image/jpeg\r\n\r\nx\r\n--b--\r\n').expect(415);
  });

  it('one application/dicom without multipart is a store', async () => {
    const sopUid = freshUid();
    const answer = await send(makeInstance({ sopUid }), 'application/dicom').expect(200);
    expect(told(answer).stored).toEqual([sopUid]);
    await send(makeInstance({ extra: [element('00080018', 'UI', '1.2.x')] }), 'application/dicom').expect(
      409,
    );
  });

  it('a study named by what is no UID is 400, and who may not store is 403', async () => {
    await world.store(modality, [makeInstance()], '1.2.x').expect(400);
    await world.store(await world.radiologist(freshUid()), [makeInstance()]).expect(403);
  });
});

registerStowFailures(() => world);
