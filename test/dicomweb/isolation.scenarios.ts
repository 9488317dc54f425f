import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { Person, World } from '../support/world.ts';

const hidden = { study: freshUid(), series: freshUid(), sop: freshUid() };

const absent = { study: freshUid(), series: freshUid(), sop: freshUid() };

const NAME = 'Verborgen^Vera';

let world: World;

let reader: Person;

const paths: readonly ((of: typeof hidden) => string)[] = [
  ({ study }) => `/studies/${study}`,
  ({ study }) => `/studies/${study}?accept=image/png`,
  ({ study }) => `/studies/${study}/metadata`,
  ({ study }) => `/studies/${study}/series`,
  ({ study }) => `/studies/${study}/series?limit=nonsense`,
  ({ study }) => `/studies/${study}/instances`,
  ({ study, series }) => `/studies/${study}/series/${series}`,
  ({ study, series }) => `/studies/${study}/series/${series}/metadata`,
  ({ study, series }) => `/studies/${study}/series/${series}/instances`,
  ({ study, series, sop }) => `/studies/${study}/series/${series}/instances/${sop}`,
  ({ study, series, sop }) => `/studies/${study}/series/${series}/instances/${sop}/metadata`,
  ({ study, series, sop }) => `/studies/${study}/series/${series}/instances/${sop}/frames/1`,
  ({ study, series, sop }) => `/studies/${study}/series/${series}/instances/${sop}/frames/1,99`,
  ({ study, series, sop }) => `/studies/${study}/series/${series}/instances/${sop}/rendered`,
  ({ study, series, sop }) => `/studies/${study}/series/${series}/instances/${sop}/bulk/7FE00010`,
];

/** Status, headers and bytes of a response, without the headers that are different in every response. */
async function refusal(path: string, authorization = reader.authorization) {
  const answer = await fetch(`${world.gateway.url}/dicom-web${path}`, { headers: { authorization } });
  const headers = [...answer.headers].filter(([name]) => !['date', 'x-request-id'].includes(name));
  return { status: answer.status, headers, body: await answer.text() };
}

/** The scenarios of studies that a reader must not see. */
export function registerStoreIsolation(shared: () => World): void {
  describe('isolation', () => {
    beforeAll(async () => {
      world = shared();
      const file = makeInstance({
        studyUid: hidden.study,
        seriesUid: hidden.series,
        sopUid: hidden.sop,
        patientName: NAME,
        patientId: 'HIDDEN-1',
      });
      const open = freshUid();
      await world.store(await world.machine(), [file, makeInstance({ studyUid: open })]).expect(200);
      reader = await world.radiologist(open);
    });

    describe('a study out of scope', () => {
      it.each(paths.map((path, index) => [path({ study: 's', series: 'e', sop: 'i' }), index] as const))(
        'answers as one that does not exist, byte by byte: %s',
        async (_, index) => {
          const path = paths[index];
          if (path === undefined) throw new Error('no path');
          const one = await refusal(path(hidden));
          expect(one.status).toBe(404);
          expect(one).toEqual(await refusal(path(absent)));
          expect(JSON.stringify(one)).not.toMatch(/Verborgen|HIDDEN/);
        },
      );

      it('is found by no key of its own', async () => {
        for (const query of [
          `PatientName=${NAME}`,
          'PatientName=*verborgen*',
          'PatientID=HIDDEN-1',
          `StudyInstanceUID=${hidden.study}`,
        ]) {
          const answer = await world.get(reader, `/studies?${query}`).expect(200, '[]');
          expect(answer.headers['x-total-count']).toBe('0');
        }
        await world.get(reader, `/series?SeriesInstanceUID=${hidden.series}`).expect(200, '[]');
        await world.get(reader, `/instances?SOPInstanceUID=${hidden.sop}`).expect(200, '[]');
      });

      it('is not opened by any claim of the client', async () => {
        for (const headers of [
          { 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1;host=archive' },
          { host: new URL(world.orthanc.url).host },
          { 'x-original-url': '/health/live', 'x-rewrite-url': '/health/live' },
        ]) {
          await world.get(reader, `/studies/${hidden.study}/metadata`).set(headers).expect(404);
        }
      });

      it('disappears for a person whose grant is taken away', async () => {
        const person = await world.radiologist(hidden.study);
        await world.get(person, `/studies/${hidden.study}/series`).expect(200);
        await world.sql`delete from grants where group_id = ${person.groupId}`;
        await expect
          .poll(async () => (await refusal(`/studies/${hidden.study}`, person.authorization)).status)
          .not.toBe(200);
      });
    });
  });
}
