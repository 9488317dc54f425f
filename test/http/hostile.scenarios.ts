import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { longForm } from '../support/long.form.ts';
import type { Person, World } from '../support/world.ts';
import { rawly, requestOf, statusOf } from './raw.socket.ts';

const chain = () => ({ study: freshUid(), series: freshUid(), sop: freshUid() });
const [mine, hidden] = [chain(), chain()];
const CANARY = /Zzcanary|ZZCANARY/;

let world: World;
let reader: Person;
let host: string;

const asked = (target: string, ...more: string[]) =>
  rawly(
    world.gateway.url,
    requestOf(target, [`Host: ${host}`, `Authorization: ${reader.authorization}`, ...more]),
  );

const study = `/dicom-web/studies/${mine.study}`;
const foreign = `/dicom-web/studies/${hidden.study}`;
const wado = (query: string) => `/wado?requestType=WADO&${query}`;

/** Parts of a request target: permitted objects, forbidden objects, and characters that decoders may handle wrongly. */
const pieces = fc.constantFrom(
  '/dicom-web',
  '/studies',
  '/series',
  '/instances',
  '/metadata',
  '/rendered',
  '/thumbnail',
  '/frames/1',
  '/bulk/7FE00010',
  '/wado',
  '/system',
  '/..',
  '/.',
  '//',
  '/%2e%2e',
  '%2f',
  '%5c',
  '%00',
  '%',
  ';',
  '?',
  '&',
  '#',
  '=',
  ',',
  '*',
  '\\',
  'StudyInstanceUID=',
  'studyUID=',
  'requestType=WADO&',
  'accept=',
  'includefield=all',
  'limit=9',
  `/${mine.study}`,
  `/${mine.series}`,
  `/${mine.sop}`,
  `/${hidden.study}`,
  `/${hidden.series}`,
  `/${hidden.sop}`,
  hidden.study,
  '/api',
  '/users',
  '/imports',
  '/health/ready',
  '/dicom-web/studies/',
);

/** Registers the tests of this file with the given gateway. */
export function registerHostile(given: () => World): void {
  describe('hostile', () => {
    beforeAll(async () => {
      world = given();
      const file = ({ study, series, sop }: typeof mine, patientId: string, patientName: string) =>
        makeInstance({ studyUid: study, seriesUid: series, sopUid: sop, patientId, patientName });
      const files = [file(mine, 'MINE', 'Mine^Own'), file(hidden, 'ZZCANARY-1', 'Zzcanary^Hidden')];
      await world.store(await world.machine(), files).expect(200);
      reader = await world.radiologist(mine.study);
      host = new URL(world.gateway.url).host;
    });

    it.each([
      ['no request at all', 'nonsense\r\n\r\n', 400],
      ['a request that is too long', requestOf(`/${'x'.repeat(20_000)}`, ['Host: x']), 431],
    ])('%s is refused as all else is', async (_, text, status) => {
      const answer = await rawly(world.gateway.url, text, 20_000);
      const [head = '', body = ''] = answer.split('\r\n\r\n');
      expect([statusOf(answer), head]).toEqual([status, expect.stringContaining('application/problem+json')]);
      expect(JSON.parse(body)).toMatchObject({ type: 'about:blank', status });
    });

    describe('a path in an unusual form', () => {
      it.each([
        [`${study}%2f..%2f${hidden.study}/metadata`, 400],
        [`${study}/../${hidden.study}/metadata`, 404],
        [`${study}/%2e%2e/${hidden.study}/metadata`, 404],
        [`${study}%2fmetadata`, 400],
        [`${study}%00/metadata`, 400],
        [`${study}%00${hidden.study}/metadata`, 400],
        [`${study};${hidden.study}/metadata`, 400],
        [`${study};/metadata`, 400],
        [`${study}/metadata;x=y`, 404],
        [`/dicom-web//studies/${mine.study}/metadata`, 404],
        [`//dicom-web/studies/${mine.study}/metadata`, 404],
        [`${study}//metadata`, 404],
        [`${study}/metadata/`, 404],
        [`/DICOM-WEB/studies/${mine.study}/metadata`, 404],
        [`/dicom-web/Studies/${mine.study}/metadata`, 404],
        [`/dicom-web/./studies/${mine.study}/metadata`, 404],
        [`/dicom-web\\studies\\${mine.study}`, 404],
        [`${study}%20/metadata`, 400],
        [`${study}%0d%0aX-Evil:%201/metadata`, 400],
        [`/dicom-web/studies/${mine.study},${hidden.study}/metadata`, 400],
        [`/dicom-web/studies/${mine.study}%5c${hidden.study}/metadata`, 400],
        [`/dicom-web/studies/*/metadata`, 400],
        [`/dicom-web/studies/%2a`, 400],
        [`/dicom-web/studies/${mine.study}./metadata`, 400],
        // An archive may contain an instance with such a UID, but this archive does not.
        [`/dicom-web/studies/0${mine.study}/metadata`, 404],
        [`/dicom-web/studies/${mine.study.replaceAll('.', '%252e')}/metadata`, 400],
        [`/dicom-web/studies/${'1'.repeat(65)}/metadata`, 400],
        [`/dicom-web/studies/${'1'.repeat(20_000)}/metadata`, 431],
        [`${study}/series/${hidden.series}/metadata`, 404],
        [`${foreign}/series/${mine.series}/metadata`, 404],
        [`${study}/series/${mine.series}/instances/${hidden.sop}`, 404],
        [`${foreign}/series/${hidden.series}/instances/${mine.sop}/frames/1`, 404],
        [`${study}/series/${mine.series}/instances/${mine.sop}/frames/1,,1`, 400],
        [`${study}/series/${mine.series}/instances/${mine.sop}/frames/1%2c99`, 404],
        [`${study}/series/${mine.series}/instances/${mine.sop}/frames/1e0`, 400],
        [`${study}/series/${mine.series}/instances/${mine.sop}/frames/-1`, 400],
        [`${study}/series/${mine.series}/instances/${mine.sop}/frames/99999999999999999999`, 404],
        [`${study}/series/${mine.series}/instances/${mine.sop}/bulk/..%2f..%2ffile`, 400],
        [`${study}/series/${mine.series}/instances/${mine.sop}/bulk/../../file`, 400],
        [`${study}/series/${mine.series}/instances/${mine.sop}/bulk/7FE00010%00`, 400],
        [wado(`studyUID=${mine.study}&seriesUID=${mine.series}&objectUID=${hidden.sop}`), 404],
        [
          wado(
            `studyUID=${mine.study}&studyUID=${hidden.study}&seriesUID=${hidden.series}&objectUID=${hidden.sop}`,
          ),
          400,
        ],
        [wado(`objectUID=${hidden.sop}`), 400],
        [wado(`studyUID=&seriesUID=&objectUID=${hidden.sop}`), 400],
      ])('%s is %i', async (target, status) => {
        const answer = await asked(target);
        expect([target, statusOf(answer)]).toEqual([target, status]);
        expect(answer).not.toMatch(CANARY);
        expect(answer).not.toContain('X-Evil');
      });

      it('is the path of an absolute target, whatever its scheme and host', async () => {
        const own = await asked(`http://elsewhere.example${study}/metadata`);
        expect([200, 400, 404]).toContain(statusOf(own));
        expect(own).not.toContain('elsewhere.example');
        expect([400, 404]).toContain(statusOf(await asked(`http://elsewhere.example${foreign}/metadata`)));
        expect(statusOf(await asked(`http://${new URL(world.orthanc.url).host}/system`))).toBe(404);
        expect(statusOf(await asked('*'))).toBeGreaterThanOrEqual(400);
      });
    });

    describe('a search', () => {
      it.each([
        [`StudyInstanceUID=${mine.study}&StudyInstanceUID=${hidden.study}`, 400],
        [`StudyInstanceUID=${mine.study}&0020000D=${hidden.study}`, 400],
        [`StudyInstanceUID=${mine.study}&0020000d=${hidden.study}`, 400],
        [`PatientID=MINE&PatientID=ZZCANARY-1`, 400],
        ['limit=1&limit=1', 400],
        ['offset=0&offset=1', 400],
        ['limit=', 400],
        ['limit=-1', 400],
        ['limit=1e9', 400],
        ['limit=%31', 200],
        ['offset=99999999999999999999', 400],
        ['fuzzymatching=maybe', 400],
        [`StudyInstanceUID=${hidden.study}`, 200],
        [`StudyInstanceUID=${mine.study},${hidden.study}`, 200],
        [`StudyInstanceUID=${mine.study}%5C${hidden.study}`, 200],
        ['PatientID=*', 200],
        ['PatientID=', 200],
        ['PatientID=%25', 200],
        ['PatientID=_________1', 200],
        ['%50atientID=ZZCANARY-1', 200],
        ['PatientName=%00', 400],
        ['PatientName=%ff', 400],
        [`PatientName=${'*'.repeat(1000)}`, 200],
        [`PatientName=${'*a'.repeat(128)}`, 200],
        [`PatientName=${'*a'.repeat(129)}`, 400],
        ['StudyDate=20200101-20100101', 200],
        ['includefield=all&includefield=00100020', 200],
        ['__proto__=1&constructor=2', 200],
        ['PatientID[]=ZZCANARY-1&PatientID[x]=1', 200],
        ['=ZZCANARY-1&&&=', 400],
      ])('for %s is %i and finds nothing out of scope', async (query, status) => {
        const answer = await asked(`/dicom-web/studies?${query}`);
        expect([query, statusOf(answer)]).toEqual([query, status]);
        expect(answer).not.toMatch(CANARY);
        // An answer never repeats text of the request. If it contained the UID, the UID would come from the catalog.
        expect(answer).not.toContain(hidden.study);
      });
    });

    describe('headers in which a client describes itself', () => {
  const url = `${study}/metadata`;
  it.each([
    ['Connection: authorization'],
    ['Connection: keep-alive, Authorization, Host'],
    ['Proxy-Authorization: Basic eDp5'],
    ['X-Forwarded-Host: elsewhere.example', 'X-Forwarded-Proto: gopher', 'X-Forwarded-For: 203.0.113.9'],
    ['Forwarded: for=203.0.113.9;host=elsewhere.example;proto=gopher'],
    ['X-Original-URL: /system', 'X-Rewrite-URL: /system', 'X-Forwarded-Prefix: /evil'],
    ['X-HTTP-Method-Override: DELETE', 'X-HTTP-Method: DELETE', 'X-Method-Override: DELETE'],
    ['X-Accel-Redirect: /etc/passwd', 'X-Sendfile: /etc/passwd'],
    ['Range: bytes=0-0', 'If-Range: "x"'],
    ['TE: trailers', 'Upgrade: websocket'],
    ['Expect: 200-ok'],
  ])('%s changes nothing of an answer', async (...headers) => {
    const answer = await asked(url, ...headers);
    expect([200, 417]).toContain(statusOf(answer));
    expect(answer).not.toMatch(/elsewhere\.example|gopher|evil|passwd/);
    expect(answer).not.toMatch(CANARY);
    expect(statusOf(await asked(`${foreign}/metadata`, ...headers))).not.toBe(200);
  });

  it('does not become its address in the audit', async () => {
    await asked('/dicom-web/studies', 'X-Forwarded-For: 203.0.113.9', 'Forwarded: for=203.0.113.9');
    const [row] = await world.sql`select count(*)::int as count from audit where address = '203.0.113.9'`;
    expect(row?.['count']).toBe(0);
  });

  it('in Host, however odd, goes into no body', async () => {
    for (const odd of [
      'elsewhere.example',
      'elsewhere.example:99999',
      '',
      'a b',
      '[::1',
      `${host}@elsewhere.example`,
    ]) {
      const head = [`Host: ${odd}`, `Authorization: ${reader.authorization}`];
      const answer = await rawly(world.gateway.url, requestOf(`${study}/metadata`, head));
      expect([200, 400]).toContain(statusOf(answer));
      expect(answer).not.toContain('elsewhere.example');
    }
    const two = ['Host: a', 'Host: b', `Authorization: ${reader.authorization}`];
    expect(statusOf(await rawly(world.gateway.url, requestOf(url, two)))).toBe(400);
  });

  it('in two Authorization headers is not chosen from', async () => {
    const { authorization } = await world.admin();
    for (const pair of [
      [reader.authorization, authorization],
      [authorization, reader.authorization],
      ['Bearer x', authorization],
    ]) {
      const head = [`Host: ${host}`, ...pair.map((value) => `Authorization: ${value}`)];
      const answer = await rawly(world.gateway.url, requestOf(`${foreign}/metadata`, head));
      expect(statusOf(answer)).toBe(400);
      expect(answer).toContain('Duplicate header.');
    }
  });
}); // prettier-ignore

    it('no combined target shows a hidden object or is a 500', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(pieces, { minLength: 1, maxLength: 9 }), async (glued) => {
          const target = `/${glued.join('')}`.replace(/^\/\/(?=[a-z])/, '/');
          const answer = await asked(target);
          expect([target, statusOf(answer)]).toEqual([
            target,
            expect.toSatisfy((status: number) => status >= 200 && status < 500),
          ]);
          expect(answer).not.toMatch(CANARY);
        }),
        { numRuns: longForm(400, 150), seed: 20_260_601 },
      );
    });
  });
}
