import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance, SopClass } from '../../infra/demo/dicom.writer.ts';
import sharp from 'sharp';
import { z } from 'zod';
import { startWorld, type World } from '../support/world.ts';
import { errorsOf, jpegOf, pdfOf, picture, pngOf, samplesOf } from './upload.files.ts';
import { type Bringer, bringer, newPatient } from './upload.world.ts';

const JPEG_BASELINE = '1.2.840.10008.1.2.4.50';
const EXPLICIT = '1.2.840.10008.1.2.1';

let world: World;
let lee: Bringer;
beforeAll(async () => {
  world = await startWorld();
  lee = await bringer(world);
}, 120_000);
afterAll(() => world?.stop());

/** The bytes of the pixel data of a file: what follows its last element head. */
const pixelsOf = (file: Buffer, length: number) => file.subarray(file.length - length);

describe('an uploaded picture becomes DICOM', () => {
  it('a JPEG keeps its stream, as a VL Photographic Image of a new study', async () => {
    const file = await jpegOf();
    const patient_id = newPatient();
    const query = {
      patient_id,
      study_description: 'Wound of the knee',
      study_date: '2026-11-02',
      body_part: 'KNEE',
    };
    const report = await lee.stored(file, query, 'Ané/wound 1.jpg');
    expect(report).toMatchObject({
      patient_id,
      issuer: 'TEST',
      file_name: 'wound 1.jpg',
      kind: 'jpeg',
      bytes: file.length,
      sop_class_uid: SopClass.photograph,
      transfer_syntax_uid: JPEG_BASELINE,
      original_kept: false,
      uploaded_by: lee.caller.name,
    });
    const stored = await lee.file(report);
    expect(await errorsOf(stored)).toEqual([]);
    // Only metadata of the file is left out: tables and compressed pixels are the same.
    expect(stored.includes(file.subarray(file.indexOf(Buffer.from('ffdb', 'hex'))))).toBe(true);
    expect(await lee.value(report, '00081030')).toBe('Wound of the knee');
    expect(await lee.value(report, '00080020')).toBe('20261102');
    expect(await lee.value(report, '00280004')).toBe('YBR_FULL_422');
    expect(await lee.value(report, '00282110')).toBe('01');
    const rendered = await world
      .get(
        lee.caller,
        `/studies/${report.study_uid}/series/${report.series_uid}/instances/${report.sop_instance_uid}/rendered`,
      )
      .set('accept', 'image/png')
      .responseType('blob');
    const [seen, sent] = await Promise.all(
      [rendered.body, file].map((one) => sharp(one).removeAlpha().raw().toBuffer()),
    );
    const worst = seen?.reduce((most, sample, at) => Math.max(most, Math.abs(sample - (sent?.[at] ?? 0))), 0);
    expect(worst).toBeLessThan(30);
  });

  it('a photograph that a camera held sideways is turned upright, without another compression', async () => {
    const raw = await jpegOf(40, 24);
    const turned = await sharp(raw).withMetadata({ orientation: 6 }).jpeg({ quality: 100 }).toBuffer();
    const report = await lee.stored(turned, { patient_id: newPatient() });
    expect(report.transfer_syntax_uid).toBe(EXPLICIT);
    expect(await lee.value(report, '00280010')).toBe(40);
    expect(await lee.value(report, '00280011')).toBe(24);
    const stored = await lee.file(report);
    expect(await errorsOf(stored)).toEqual([]);
    const decoded = await sharp(turned, { autoOrient: true }).removeAlpha().raw().toBuffer();
    const worst = pixelsOf(stored, decoded.length).reduce(
      (most, sample, at) => Math.max(most, Math.abs(sample - (decoded[at] ?? 0))),
      0,
    );
    expect(worst).toBeLessThan(8);
  });

  it('the pixels of a PNG are the same, with and without a palette, transparency channel and interlacing', async () => {
    const colours = samplesOf(33, 21, 3);
    const from = () => sharp(colours, { raw: { width: 33, height: 21, channels: 3 } });
    const forms = {
      plain: await from().png().toBuffer(),
      interlaced: await from().png({ progressive: true }).toBuffer(),
      alpha: await from().ensureAlpha().png().toBuffer(),
    };
    for (const [name, file] of Object.entries(forms)) {
      const report = await lee.stored(file, { patient_id: newPatient() }, `${name}.png`);
      const stored = await lee.file(report);
      expect(await errorsOf(stored)).toEqual([]);
      const length = colours.length + (colours.length % 2);
      expect(pixelsOf(stored, length).subarray(0, colours.length).equals(colours)).toBe(true);
    }
    const palette = await picture(16, 16).png({ palette: true, colours: 8 }).toBuffer();
    const report = await lee.stored(palette, { patient_id: newPatient() });
    const expected = await sharp(palette).removeAlpha().raw().toBuffer();
    expect(pixelsOf(await lee.file(report), expected.length).equals(expected)).toBe(true);
  });

  it('grey pictures of 8 and 16 bits keep their values', async () => {
    const grey = samplesOf(20, 10, 1);
    const raw = { raw: { width: 20, height: 10, channels: 1 as const } };
    const one = await lee.stored(await sharp(grey, raw).toColourspace('b-w').png().toBuffer(), {
      patient_id: newPatient(),
    });
    expect(one.sop_class_uid).toBe(SopClass.photograph);
    expect(pixelsOf(await lee.file(one), 200).equals(grey)).toBe(true);
    const words = Uint16Array.from({ length: 200 }, (_, at) => at * 327);
    const file = await sharp(words, raw).toColourspace('grey16').png().toBuffer();
    const other = await lee.stored(file, { patient_id: newPatient() });
    expect(other.sop_class_uid).toBe(SopClass.secondaryCapture);
    const stored = await lee.file(other);
    expect(await errorsOf(stored)).toEqual([]);
    expect(pixelsOf(stored, 400).equals(Buffer.from(words.buffer))).toBe(true);
  });

  it('the colour profile is kept', async () => {
    for (const form of ['jpeg', 'png'] as const) {
      const file = await picture().withIccProfile('p3')[form]().toBuffer();
      const { icc } = await sharp(file).metadata();
      const report = await lee.stored(file, { patient_id: newPatient() });
      const stored = await lee.file(report);
      expect(stored.includes(icc ?? Buffer.from('no profile'))).toBe(true);
      expect(await errorsOf(stored)).toEqual([]);
    }
  });

  it('a progressive JPEG is decoded once', async () => {
    const file = await picture().jpeg({ progressive: true }).toBuffer();
    const report = await lee.stored(file, { patient_id: newPatient(), modality: 'OT' });
    expect(report).toMatchObject({ sop_class_uid: SopClass.secondaryCapture, transfer_syntax_uid: EXPLICIT });
    expect(await errorsOf(await lee.file(report))).toEqual([]);
  });
});

describe('other files', () => {
  it('a PDF becomes an Encapsulated PDF in the existing study, with its patient', async () => {
    const study = freshUid();
    const patient = newPatient();
    const file = makeInstance({
      studyUid: study,
      patientId: patient,
      patientName: 'Ängström^Ida',
      studyDescription: 'Knee',
    });
    await world.store(lee.caller, [file]).expect(200);
    const pdf = pdfOf();
    const report = await lee.stored(pdf, { study_uid: study }, 'letter.pdf');
    expect(report).toMatchObject({ study_uid: study, patient_id: patient, sop_class_uid: SopClass.pdf });
    const stored = await lee.file(report);
    expect(stored.includes(pdf)).toBe(true);
    expect(await errorsOf(stored)).toEqual([]);
    expect(await lee.value(report, '00100010')).toEqual({ Alphabetic: 'Ängström^Ida' });
    expect(await lee.value(report, '00081030')).toBe('Knee');
    expect(await lee.value(report, '00080060')).toBe('DOC');
  });

  it('a DICOM file is stored as it is', async () => {
    const file = makeInstance();
    const report = await lee.stored(file);
    expect(report).toMatchObject({ kind: 'dicom', sop_class_uid: SopClass.ct });
    expect((await lee.file(report)).subarray(-100).equals(file.subarray(-100))).toBe(true);
  });

  it('a form carries the file and the target', async () => {
    const answer = await world.http
      .post('/api/uploads')
      .set('authorization', lee.caller.authorization)
      .field('patient_id', newPatient())
      .field('study_description', 'By a form')
      .attach('file', await pngOf(), 'form.png');
    expect(answer.body).toMatchObject({ status: 'stored', file_name: 'form.png', kind: 'png' });
    expect(answer.status).toBe(201);
  });
});

describe('the record of an upload', () => {
  it('the same file for the same target is stored once, also by requests at the same time', async () => {
    const file = await pngOf();
    const query = { patient_id: newPatient() };
    const answers = await Promise.all([1, 2, 3].map(() => lee.send(file, query)));
    expect(Math.max(...answers.map(({ status }) => status))).toBe(201);
    expect(new Set(answers.map(({ body }) => body.upload_id)).size).toBe(1);
    const again = await lee.send(file, query);
    expect([again.status, again.body.upload_id]).toEqual([200, answers[0]?.body.upload_id]);
    const { body } = await world.get(lee.caller, `/instances?PatientID=${query.patient_id}`);
    expect(body).toHaveLength(1);
    const other = await lee.send(file, { patient_id: newPatient() });
    expect(other.status).toBe(201);
  });

  it('a request that was interrupted after the archive had stored the instance is completed by a repeat', async () => {
    const file = await pngOf();
    const query = { patient_id: newPatient() };
    const report = await lee.stored(file, query);
    await world.sql`update uploads set state = 'storing', finished_at = null where id = ${report.upload_id}`;
    const again = await lee.send(file, query);
    expect(again.body).toMatchObject({ upload_id: report.upload_id, status: 'stored' });
    const { body } = await world.get(lee.caller, `/instances?PatientID=${query.patient_id}`);
    expect(body).toHaveLength(1);
  });

  it('its uploader and administrators see it, list it and delete it; others do not', async () => {
    const report = await lee.stored(await pngOf(), { patient_id: newPatient() }, 'listed.png');
    const admin = await world.admin();
    const other = await bringer(world);
    const path = `/api/uploads/${report.upload_id}`;
    await lee.get(path).expect(200);
    await world.http.get(path).set('authorization', admin.authorization).expect(200);
    await other.get(path).expect(404);
    await other.delete(path).expect(404);
    await other.get(`/api/users/${lee.caller.id}/uploads`).expect(404);
    const listed = await lee.get(`/api/users/${lee.caller.id}/uploads?q=listed`).expect(200);
    expect(listed.body).toMatchObject({ total: 1, items: [{ upload_id: report.upload_id }] });
    await lee.delete(path).expect(204);
    await lee.get(path).expect(404);
    // The stored study stays.
    await world.get(lee.caller, `/studies/${report.study_uid}/metadata`).expect(200);
    const rows =
      await world.sql`select action, patient_id from audit where detail ->> 'upload_id' = ${report.upload_id}`;
    expect(rows.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['POST /api/uploads', 'GET /api/uploads/:id', 'DELETE /api/uploads/:id']),
    );
    for (const row of rows.filter(({ action }) => action === 'POST /api/uploads'))
      expect(row['patient_id']).toBe(report.patient_id);
  });

  it('nothing of it stays on the disk', async () => {
    await lee.stored(await pngOf(), { patient_id: newPatient() });
    await lee.send(Buffer.from('no known file'), { patient_id: newPatient() }).expect(415);
    const left = await readdir(`${world.gateway.env['DATA_DIR']}/uploads`);
    expect(left).toEqual([]);
  });
});

describe('what may not be stored is refused', () => {
  it('without the right for the patient or study, with the bytes of an unknown study', async () => {
    const mine = newPatient();
    const scope = { kind: 'patient', issuer: 'TEST', patient_id: mine };
    const kim = await world.person({ rights: ['studies:store'], scope });
    const send = (file: Buffer, query: object) =>
      world.http
        .post('/api/uploads')
        .query(query)
        .set('authorization', kim.authorization)
        .set('content-type', 'image/png')
        .send(file);
    await send(await pngOf(), { patient_id: mine }).expect(201);
    const foreign = await lee.stored(await pngOf(), { patient_id: newPatient() });
    const answers = await Promise.all(
      [{ patient_id: newPatient() }, { study_uid: foreign.study_uid }, { study_uid: freshUid() }].map(
        async (query) => send(await pngOf(), query),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    await send(makeInstance(), {}).expect(404);
    const reader = await world.radiologist(freshUid());
    await world.http
      .post('/api/uploads')
      .set('authorization', reader.authorization)
      .send(Buffer.from('x'))
      .expect(403);
  });

  it('hostile and broken files', async () => {
    const [jpeg, png, pdf] = [await jpegOf(), await pngOf(), pdfOf()];
    const bomb = Buffer.from(png);
    // 60,000 × 60,000 pixels.
    bomb.writeUInt32BE(60_000, 16);
    bomb.writeUInt32BE(60_000, 20);
    const transparent = await picture(8, 8).ensureAlpha(0.5).png().toBuffer();
    const files: [string, Buffer, number, string][] = [
      ['a truncated JPEG', jpeg.subarray(0, -20), 422, 'unreadable-file'],
      ['a truncated PNG', png.subarray(0, -20), 422, 'unreadable-file'],
      ['a truncated PDF', pdf.subarray(0, -40), 422, 'unreadable-file'],
      ['a huge PNG', bomb, 422, 'unreadable-file'],
      ['a transparent PNG', transparent, 422, 'unreadable-file'],
      ['a truncated DICOM file', makeInstance().subarray(0, -50), 422, 'unreadable-file'],
      ['a text', Buffer.from('hello'), 415, 'unsupported-file'],
      ['an empty file', Buffer.alloc(0), 422, 'missing-file'],
    ];
    for (const [name, file, status, code] of files) {
      const answer = await lee.send(file, name.includes('DICOM') ? {} : { patient_id: newPatient() });
      expect([name, answer.status, answer.body.code]).toEqual([name, status, code]);
    }
    await lee.send(jpeg, {}).expect(422);
    await lee.send(jpeg, { patient_id: 'a\\b' }).expect(400);
    await lee.send(jpeg, { study_uid: 'abc' }).expect(400);
  });
});

describe('a DICOM file of another patient than its target says', () => {
  const Groups = z.object({ items: z.array(z.looseObject({ id: z.string(), study_uid: z.string() })) });

  it('waits in quarantine, seen by nobody, until an operator gives it to the patient', async () => {
    const [theirs, mine, study] = [newPatient(), newPatient(), freshUid()];
    const file = makeInstance({ patientId: theirs, studyUid: study });
    for (const _ of [1, 2]) {
      const answer = await lee.send(file, { patient_id: mine });
      expect([answer.status, answer.body.status]).toEqual([202, 'quarantined']);
    }
    const seen = (patient: string) => world.get(lee.caller, `/studies?PatientID=${patient}`);
    const admin = await world.admin();
    const quarantine = await world.http
      .get('/api/quarantine')
      .query({ reason: 'other-patient' })
      .set('authorization', admin.authorization);
    const group = Groups.parse(quarantine.body).items.find(({ study_uid }) => study_uid === study);
    // The watcher has read the change feed of the archive several times.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect((await seen(theirs)).body).toEqual([]);
    expect((await seen(mine)).body).toEqual([]);
    await world.http
      .post(`/api/quarantine/${group?.id}/decide`)
      .set('authorization', admin.authorization)
      .send({ decision: 're-identify', patient_id: mine, issuer: 'TEST' })
      .expect(200);
    await expect.poll(async () => (await seen(mine)).body).toHaveLength(1);
    expect((await seen(theirs)).body).toEqual([]);
  });
});
