import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import type { Person, World } from '../support/world.ts';
import { DataSets, foreign, mullerSeries, namesOf, type Searching, uids, valuesOf } from './qido.world.ts';

let world: World;
let reader: Person;

/** Registers the tests of this file with the given gateway. */
export function registerQido(given: () => Searching): void {
  describe('qido', () => {
    beforeAll(async () => {
      ({ world, reader } = given());
    });

    describe('pages', () => {
      it('tell the total and how many are left, and never overlap', async () => {
        const seen: (string | undefined)[] = [];
        for (let offset = 0; offset < 5; offset += 2) {
          const answer = await world.get(reader, `/studies?limit=2&offset=${offset}`).expect(200);
          expect(answer.headers['x-total-count']).toBe('5');
          const left = 5 - offset - 2;
          expect(answer.headers['warning']).toBe(
            left > 0 ? `299 radgate "There are ${left} additional results that can be requested"` : undefined,
          );
          seen.push(...namesOf(answer.text));
        }
        expect(seen).toEqual(['yamada', 'ivanov', 'omega', 'muller', 'star']);
      });

      it('beyond the end are empty and still tell the total', async () => {
        const answer = await world.get(reader, '/studies?offset=50').expect(200, '[]');
        expect(answer.headers['x-total-count']).toBe('5');
        expect(answer.headers['warning']).toBeUndefined();
      });

      it('of limit 0 tell the total alone', async () => {
        const answer = await world.get(reader, '/studies?limit=0').expect(200, '[]');
        expect(answer.headers['x-total-count']).toBe('5');
      });
    });

    describe('a warning', () => {
      it('names an unknown key as ignored, beside the one of a cut page', async () => {
        const answer = await world.get(reader, '/studies?limit=1&Colour=red&0009ABCD=1').expect(200);
        expect(answer.headers['warning']).toBe(
          '299 radgate "There are 4 additional results that can be requested", 299 radgate "2 unknown keys were ignored"',
        );
        expect(answer.headers['x-total-count']).toBe('5');
      });

      it('tells of fields that nobody knows', async () => {
        const answer = await world.get(reader, '/studies?includefield=Colour,PatientAge,Taste').expect(200);
        expect(answer.headers['warning']).toBe('299 radgate "2 unknown fields were not included"');
      });
    });

    describe('a search is refused with 400', () => {
      it.each([
        'PatientID=P1&PatientID=P1',
        'PatientID=P1&00100020=P1',
        'PatientID=&PatientID=P1',
        '0020000d=1.2&StudyInstanceUID=1.2',
        'Colour=red&Colour=blue',
        'limit=1&limit=2',
        'limit=-1',
        'limit=ten',
        'limit=',
        'limit=1e3',
        'offset=1.5',
        'offset=99999999999',
        'StudyDate=yesterday',
        'StudyDate=2024',
        'StudyDate=20241301',
        'StudyDate=20240132',
        'StudyDate=-',
        'StudyDate=20240101-20240201-20240301',
        'StudyTime=2500',
        'StudyTime=1260',
        'StudyInstanceUID=abc',
        'StudyInstanceUID=1.2,',
        "StudyInstanceUID=1.2'--",
        'NumberOfStudyRelatedInstances=many',
        'NumberOfStudyRelatedInstances=1-3',
        'PatientName=%FF',
        'PatientName=a%00b',
        'PatientName=%zz',
        'fuzzymatching=perhaps',
        'accept=no',
        'limit=1&accept=application/json&accept=application/json',
        `includefield=${'1,'.repeat(200)}`,
      ])('for %s', async (query) => {
        const answer = await world.get(reader, `/studies?${query}`).expect(400);
        expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
        expect(answer.headers['x-total-count']).toBeUndefined();
      });
    });

    describe('every level', () => {
      it('of series: all, of a study, by key', async () => {
        const all = await world.get(reader, '/series').expect(200);
        expect(all.headers['x-total-count']).toBe('6');
        const inStudy = await world.get(reader, `/studies/${uids.muller}/series`).expect(200);
        expect(valuesOf(inStudy.text, '0020000E')).toEqual([mullerSeries.ct, mullerSeries.mr]);
        expect(valuesOf(inStudy.text, '00201209')).toEqual([2, 1]);
        expect(valuesOf(inStudy.text, '00081190')).toEqual(
          Object.values(mullerSeries).map(
            (uid) => `${world.gateway.url}/dicom-web/studies/${uids.muller}/series/${uid}`,
          ),
        );
        const mr = await world.get(reader, `/series?Modality=MR`).expect(200);
        expect(valuesOf(mr.text, '0020000E')).toEqual([mullerSeries.mr]);
        const number = await world.get(reader, `/studies/${uids.muller}/series?SeriesNumber=2`).expect(200);
        expect(valuesOf(number.text, '0020000E')).toEqual([mullerSeries.mr]);
      });

      it('of instances: all, of a study, of a series, by key', async () => {
        const all = await world.get(reader, '/instances?limit=3').expect(200);
        expect(all.headers['x-total-count']).toBe('7');
        expect(all.headers['warning']).toContain('There are 4 additional');
        const inStudy = await world.get(reader, `/studies/${uids.muller}/instances`).expect(200);
        expect(valuesOf(inStudy.text, '00200013')).toEqual([1, 2, 1]);
        const path = `/studies/${uids.muller}/series/${mullerSeries.ct}/instances`;
        const second = await world.get(reader, `${path}?InstanceNumber=2`).expect(200);
        const [item] = DataSets.parse(JSON.parse(second.text));
        expect(item?.['00280010']).toEqual({ vr: 'US', Value: [8] });
        expect(item?.['00081190']?.Value).toEqual([
          `${world.gateway.url}/dicom-web${path}/${String(item?.['00080018']?.Value?.[0])}`,
        ]);
        const multi = await world.get(reader, `/instances?NumberOfFrames=3`).expect(200);
        expect(valuesOf(multi.text, '0020000E')).toEqual([mullerSeries.mr]);
      });

      it('of an unknown and of an out-of-scope study answers the same 404', async () => {
        for (const tail of ['/series', '/instances', `/series/${mullerSeries.ct}/instances`]) {
          const unknown = await world.get(reader, `/studies/${freshUid()}${tail}`).expect(404);
          const hidden = await world.get(reader, `/studies/${foreign}${tail}`).expect(404);
          expect(hidden.text).toBe(unknown.text);
        }
        // The series belongs to another study, which the account may also see.
        await world.get(reader, `/studies/${uids.omega}/series/${mullerSeries.ct}/instances`).expect(404);
      });
    });

    describe('another group', () => {
      it('sees nothing of it in body, total or warning', async () => {
        const nobody = await world.radiologist(freshUid());
        for (const path of ['/studies', '/series', '/instances', `/studies?StudyInstanceUID=${foreign}`]) {
          const answer = await world.get(nobody, path).expect(200, '[]');
          expect(answer.headers['x-total-count']).toBe('0');
          expect(answer.headers['warning']).toBeUndefined();
        }
        const one = await world.get(reader, '/studies?AccessionNumber=A-1').expect(200);
        expect(one.headers['x-total-count']).toBe('1');
      });
    });
  });
}
