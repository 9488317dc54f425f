import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { longForm } from '../support/long.form.ts';
import { pictureSamples, pictureSize } from '../pixels/encoded.pictures.ts';
import type { World } from '../support/world.ts';
import { Dice } from './dicom.mutations.ts';
import { mutatedState, states } from './state.files.ts';
import { ct, fileOf, otherStudy, sop, type Retrieval, study, multi, report, rle } from './wado.world.ts';
import type { Ask, Asked } from './wado.world.ts';

let world: World;
let ask: Ask;
/** Sends a GET request for /wado as a person who may read both studies. */
let wado: (query: Readonly<Record<string, string>> | string, accept?: string) => Promise<Asked>;

const named = (seriesUID: string, objectUID: string) => ({
  requestType: 'WADO',
  studyUID: study,
  seriesUID,
  objectUID,
});
const one = named(ct, sop.one);
const frames = named(multi, sop.multi);
const dicom = { contentType: 'application/dicom' };
const isJpeg = ({ status, type, body }: Asked) =>
  status === 200 && type === 'image/jpeg' && body.readUInt16BE(0) === 0xffd8;
const isPng = ({ status, type, body }: Asked) =>
  status === 200 && type === 'image/png' && body.readUInt16BE(0) === 0x8950;

/** Registers the tests of this file with the given gateway. */
export function registerWadoUri(given: () => Retrieval): void {
  describe('wado uri', () => {
    beforeAll(async () => {
      ({ world, ask } = given());
      const reader = await world.radiologist(study);
      wado = async (query, accept = '*/*') => {
        const search = typeof query === 'string' ? query : new URLSearchParams(query).toString();
        const headers = { authorization: reader.authorization, accept };
        const answer = await fetch(`${world.gateway.url}/wado?${search}`, { headers });
        const body = Buffer.from(await answer.arrayBuffer());
        const type = answer.headers.get('content-type') ?? '';
        return { status: answer.status, type, headers: answer.headers, body };
      };
    });

    describe('an instance by /wado', () => {
      it('is its file, byte for byte, when that is asked for', async () => {
        for (const query of [
          { ...one, ...dicom },
          { ...one, contentType: 'application/dicom,image/png;q=0.5' },
        ]) {
          const { status, type, headers, body } = await wado(query);
          expect([status, type]).toEqual([200, 'application/dicom']);
          expect(headers.get('content-length')).toBe(String(body.length));
          expect(body.equals(fileOf(sop.one))).toBe(true);
        }
      });

      it('is decoded into the transfer syntax that is named, 406 when that has loss', async () => {
        const asked = { ...named(rle, sop.rle), ...dicom };
        const stored = await wado({ ...asked, transferSyntax: '1.2.840.10008.1.2.5' });
        expect(stored.body.equals(fileOf(sop.rle))).toBe(true);
        const decoded = await wado({ ...asked, transferSyntax: '1.2.840.10008.1.2.1' });
        expect(decoded.status).toBe(200);
        expect((await wado(asked)).body.equals(decoded.body)).toBe(true);
        expect(decoded.body.equals(stored.body)).toBe(false);
        expect(decoded.body.includes(Buffer.from('1.2.840.10008.1.2.1\0'))).toBe(true);
        expect((await wado({ ...asked, transferSyntax: '1.2.840.10008.1.2.4.50' })).status).toBe(406);
        expect(
          (await wado({ ...one, contentType: 'image/png', transferSyntax: '1.2.840.10008.1.2.1' })).status,
        ).toBe(400);
      });

      it('is a picture when nothing is said, the file when it has several frames or none', async () => {
        expect(isJpeg(await wado(one))).toBe(true);
        expect(isPng(await wado(one, 'image/png'))).toBe(true);
        expect(isPng(await wado({ ...one, contentType: 'image/png' }, 'text/html'))).toBe(true);
        expect((await wado(frames)).type).toBe('application/dicom');
        expect((await wado(named(report, sop.report))).type).toBe('application/dicom');
      });

      it('shows the frame that is asked for, as WADO-RS does', async () => {
        for (const frame of ['1', '3']) {
          const picture = await wado({ ...frames, frameNumber: frame, contentType: 'image/png' });
          const path = `/studies/${study}/series/${multi}/instances/${sop.multi}/frames/${frame}/rendered`;
          expect(isPng(picture)).toBe(true);
          expect(picture.body.equals((await ask(path, 'image/png')).body)).toBe(true);
        }
        expect(isJpeg(await wado({ ...frames, frameNumber: '2' }))).toBe(true);
        for (const outside of ['0', '00', '4', '99999999999', '9'.repeat(400)])
          expect((await wado({ ...frames, frameNumber: outside })).status).toBe(404);
        expect((await wado({ ...one, frameNumber: '0' })).status).toBe(404);
        expect((await wado({ ...frames, frameNumber: '1', ...dicom })).status).toBe(406);
        expect((await wado({ ...named(report, sop.report), frameNumber: '1' })).status).toBe(406);
      });

      it('takes size, window and quality', async () => {
        const png = { ...one, contentType: 'image/png' };
        const small = await wado({ ...png, rows: '4', columns: '4' });
        expect([small.body.readUInt32BE(16), small.body.readUInt32BE(20)]).toEqual([4, 4]);
        const tall = await wado({ ...png, rows: '32' });
        expect(tall.body.readUInt32BE(20)).toBe(32);
        const dark = await wado({ ...png, windowCenter: '4000', windowWidth: '10' });
        expect(dark.body.equals((await wado(png)).body)).toBe(false);
        const coarse = await wado({ ...one, imageQuality: '1', rows: '512', columns: '512' });
        const fine = await wado({ ...one, imageQuality: '100', rows: '512', columns: '512' });
        expect(coarse.body.length).toBeLessThan(fine.body.length);
      });

      it('has an entity tag as a picture', async () => {
        const { headers } = await wado(one);
        const { authorization } = await world.radiologist(study);
        const tag = headers.get('etag') ?? '';
        const answer = await fetch(`${world.gateway.url}/wado?${new URLSearchParams(one).toString()}`, {
          headers: { authorization, 'if-none-match': tag },
        });
        expect([tag === '', answer.status]).toEqual([false, 304]);
      });

      it('is on record before it leaves', async () => {
        const reader = await world.radiologist(study);
        await world.http
          .get('/wado')
          .query({ ...one, ...dicom })
          .set('authorization', reader.authorization)
          .expect(200);
        const rows = await world.sql`select action, study_uid from audit where account_id = ${reader.id}
      and kind = 'opened'`;
        expect(rows.map(({ action, study_uid }) => [action, study_uid])).toEqual([['read instance', study]]);
      });
    });

    describe('what is not there', () => {
      it.each([
        ['a study nobody has', { studyUID: freshUid() }],
        [
          'a study out of scope',
          { studyUID: otherStudy.study, seriesUID: otherStudy.series, objectUID: otherStudy.sop },
        ],
        ['another study with our instance', { studyUID: otherStudy.study }],
        ['another series of the study', { seriesUID: multi }],
        ['an instance of another study', { objectUID: otherStudy.sop }],
      ])('is 404, the same bytes: %s', async (_, wrong) => {
        const nowhere = await wado({ ...one, objectUID: freshUid() });
        const answer = await wado({ ...one, ...wrong });
        expect(answer.status).toBe(404);
        expect(answer.body.equals(nowhere.body)).toBe(true);
      });
    });

    it('shows a region of the image, in its own size or fitted into rows and columns', async () => {
      const picture = { ...one, contentType: 'image/png' };
      const whole = (await wado(picture)).body;
      const [columns, rows] = pictureSize(whole);
      const samples = pictureSamples(whole);
      const region = (await wado({ ...picture, region: '0.5,0.25,1,0.75' })).body;
      expect(pictureSize(region)).toEqual([columns / 2, rows / 2]);
      const expected = Array.from({ length: rows / 2 }, (_, row) => {
        const start = (row + rows / 4) * columns;
        return [...samples.subarray(start + columns / 2, start + columns)];
      });
      expect([...pictureSamples(region)]).toEqual(expected.flat());
      const fitted = { ...picture, region: '0,0,0.5,1', rows: '8' };
      expect(pictureSize((await wado(fitted)).body)).toEqual([(columns / rows) * 4, 8]);
      const large = { ...picture, rows: '200', columns: '200' };
      const annotated = await wado({ ...large, annotation: 'technique,nothing' });
      expect(annotated.headers.get('warning')).toContain('not supported: nothing');
      expect(annotated.body.equals((await wado(large)).body)).toBe(false);
    });

    describe('a presentation state', () => {
      beforeAll(async () => {
        await world.store(await world.machine(), states.files).expect(200);
      });

      it('decides about the gray values and the position of the image', async () => {
        const plain = await wado({ ...one, contentType: 'image/png', rows: '8', columns: '8' });
        const turned = await wado(
          `${new URLSearchParams(one).toString()}&${states.query(states.turned)}`,
          'image/png',
        );
        expect(turned.status).toBe(200);
        const [before, after] = [pictureSamples(plain.body), pictureSamples(turned.body)];
        expect(pictureSize(turned.body)).toEqual([8, 8]);
        // The image is a gradient, so its corners are its smallest and its largest values.
        expect([before[0], before[63]]).toEqual([0, 255]);
        expect([after[0], after[63]]).toEqual([Math.round(255 - (63 * 16 * 255) / 4095), 255]);
        const tag = turned.headers.get('etag');
        expect([tag === null, tag === plain.headers.get('etag')]).toEqual([false, false]);
      });

      it('is a picture even if the image has several frames, and applies to the frames that it names', async () => {
        const asked = { ...frames, presentationSeriesUID: states.series, presentationUID: states.frames };
        expect(isJpeg(await wado({ ...asked, frameNumber: '2' }))).toBe(true);
        expect((await wado({ ...asked, frameNumber: '1' })).status).toBe(400);
      });

      it('is 404 with equal bytes if it is unknown, of another study, or in another series', async () => {
        const nowhere = await wado({ ...one, objectUID: freshUid() });
        const query = (series: string, instance: string) => ({
          ...one,
          presentationSeriesUID: series,
          presentationUID: instance,
        });
        for (const asked of [
          query(states.series, freshUid()),
          query(freshUid(), states.turned),
          query(ct, states.turned),
          query(otherStudy.series, otherStudy.sop),
        ]) {
          const { status, body } = await wado(asked);
          expect([status, body.equals(nowhere.body)]).toEqual([404, true]);
        }
      });

      it('is 406 if it is of a kind that is not supported, malformed, or asked for as a file', async () => {
        const asked = (state: string) =>
          wado(`${new URLSearchParams(one).toString()}&${states.query(state)}`);
        for (const state of [states.blending, states.malformed])
          expect((await asked(state)).status).toBe(406);
        const file = { ...one, ...dicom };
        expect(
          (await wado(`${new URLSearchParams(file).toString()}&${states.query(states.turned)}`)).status,
        ).toBe(406);
      });

      it('never ends in an error of the server, however it is mutated', async () => {
        const dice = new Dice(15);
        for (let round = 0; round < longForm(400, 12); round += 1) {
          const uid = freshUid();
          const stored = await world.store(await world.machine(), [mutatedState(uid, dice)]);
          if (stored.status !== 200) continue;
          const { status } = await wado(`${new URLSearchParams(one).toString()}&${states.query(uid)}`);
          expect([200, 400, 404, 406]).toContain(status);
        }
      });
    });

    describe('a request of /wado is refused with 400', () => {
      const good = new URLSearchParams(one).toString();
      it.each([
        ['', 'nothing said'],
        [good.replace('requestType=WADO', 'requestType=OTHER'), 'another type'],
        [good.replace('requestType=WADO&', ''), 'no type'],
        [good.replace(/studyUID=[^&]*&/, ''), 'no study'],
        [good.replace(/seriesUID=[^&]*&/, ''), 'no series'],
        [good.replace(/&objectUID=.*/, ''), 'no instance'],
        [`${good}&objectUID=${sop.two}`, 'two instances'],
        [`${good}&studyUID=${study}`, 'the study twice'],
        [`${good}&requestType=WADO`, 'the type twice'],
        [`${good}&contentType=image/png&contentType=image/png`, 'the media type twice'],
        [good.replace('objectUID=', 'objectUID=..%2F'), 'a path'],
        [`${good}&contentType=image`, 'no media type'],
        [`${good}&frameNumber=abc`, 'no number of a frame'],
        [`${good}&frameNumber=-1`, 'a frame below 0'],
        [`${good}&frameNumber=1,2`, 'two frames'],
        [`${good}&rows=0`, 'no rows'],
        [`${good}&columns=5000`, 'too many columns'],
        [`${good}&windowCenter=1`, 'half a window'],
        [`${good}&windowCenter=1&windowWidth=0`, 'a window of nothing'],
        [`${good}&imageQuality=101`, 'too good'],
        [`${good}&transferSyntax=JPEG`, 'no UID'],
        [`${good}&anonymize=no`, 'an unknown value of anonymize'],
        ...['0,0,1', '0,0,1,1,1', '0.5,0,0.5,1', '0,1,1,0', '0,0,1.1,1', '-0.1,0,1,1', '0,0,a,1', ''].map(
          (region) => [`${good}&region=${region}`, 'an invalid region'],
        ),
        [`${good}&annotation=`, 'no annotation'],
        [`${good}&presentationUID=1.2`, 'a presentation state without its series'],
        [`${good}&presentationSeriesUID=1.2`, 'a series without a presentation state'],
        [`${good}&presentationUID=1..2&presentationSeriesUID=1.2`, 'no UID of a presentation state'],
        ...['region=0,0,1,1', 'windowCenter=1&windowWidth=2'].map((decided) => [
          `${good}&${states.query(states.turned)}&${decided}`,
          'what the presentation state decides',
        ]),
        [`${good}&${states.query(states.other)}`, 'a presentation state of another image'],
        [
          `${good}&presentationUID=${sop.two}&presentationSeriesUID=${ct}`,
          'an image as a presentation state',
        ],
        [`${good}&a=%00`, 'NUL'],
      ])('%s: %s', async (query) => {
        const { status, type } = await wado(query);
        expect([status, type]).toEqual([400, 'application/problem+json']);
      });

      it('and without an account with 401', async () => {
        expect((await fetch(`${world.gateway.url}/wado?${good}`)).status).toBe(401);
      });
    });
  });
}
