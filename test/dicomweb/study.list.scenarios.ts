import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { Person, World } from '../support/world.ts';
import { foreign, mullerSeries, type Searching, uids } from './qido.world.ts';

const Listed = z.object({ total: z.number(), items: z.array(z.looseObject({ study_uid: z.string() })) });

let world: World;
let reader: Person;
const names = new Map(Object.entries(uids).map(([name, uid]) => [uid, name]));
const ask = (path: string) => world.http.get(path).set('authorization', reader.authorization);

/** The names of the studies that a query lists, in order, and their number. */
async function list(query: string): Promise<unknown[]> {
  const { total, items } = Listed.parse((await ask(`/api/studies?${query}`).expect(200)).body);
  return [total, ...items.map(({ study_uid }) => names.get(study_uid))];
}

const q = (words: string) => `q=${encodeURIComponent(words)}`;

/** Registers the tests of this file with the given studies. */
export function registerStudyList(given: () => Searching): void {
  describe('the list of studies for people', () => {
    beforeAll(() => {
      ({ world, reader } = given());
    });

    it.each([
      ['', 5, 'yamada', 'ivanov', 'omega', 'muller', 'star'],
      ['limit=2&offset=1', 5, 'ivanov', 'omega'],
      ['modality=MR', 1, 'muller'],
      ['from=2024-02-01&to=2024-03-01', 2, 'ivanov', 'omega'],
      ['from=2024-03-02', 1, 'yamada'],
      ['to=2024-01-01', 1, 'muller'],
      ['modality=MR&from=2024-01-02', 0],
    ])('with %s has the matches, newest first', async (query, ...expected) =>
      expect(await list(query)).toEqual(expected),
    );

    it.each([
      ['date', 'star', 'muller', 'omega', 'ivanov', 'yamada'],
      ['-date', 'yamada', 'ivanov', 'omega', 'muller', 'star'],
      ['-images', 'muller'],
      ['patient_id', 'omega', 'star', 'muller'],
    ])('sorted by %s', async (sort, ...expected) => {
      const [total, ...found] = await list(`sort=${sort}`);
      expect([total, ...found.slice(0, expected.length)]).toEqual([5, ...expected]);
    });

    it('gives each study once on the pages of every order, and those without a value last', async () => {
      for (const sort of [
        'patient',
        '-patient',
        '-birth_date',
        'modality',
        'description',
        '-description',
        'accession',
        '-accession',
        'institution',
        '-institution',
      ]) {
        const pages = await Promise.all([0, 2, 4].map((at) => list(`sort=${sort}&limit=2&offset=${at}`)));
        const found = pages.flatMap(([, ...items]) => items);
        expect(new Set(found).size, sort).toBe(5);
        // Only one study has an accession number.
        if (sort.includes('accession')) expect(found[0]).toBe('muller');
      }
    });

    it('counts by modality what the account may read, for words and days, with one audit row', async () => {
      const counted = async (query: string) =>
        (await ask(`/api/studies/modalities?${query}`).expect(200)).body.items;
      expect(await counted('')).toContainEqual({ modality: 'MR', studies: 1 });
      expect(await counted(q('muller'))).toEqual([
        { modality: 'CT', studies: 1 },
        { modality: 'MR', studies: 1 },
      ]);
      expect(await counted(q('P1-foreign'))).toEqual([]);
      expect(await counted('from=2024-03-02')).toEqual([{ modality: 'CT', studies: 1 }]);
      const [row] = await world.sql`select detail from audit where action = 'GET /api/studies/modalities'
        order by id desc limit 1`;
      expect(row).toEqual({ detail: { answered: 1 } });
      await ask('/api/studies/modalities?modality=CT').expect(400);
    });

    it.each([
      ['part of a name, without accents', 'MULL', 1, 'muller'],
      ['words of a name in any order', 'jorg muller', 1, 'muller'],
      ['a name in another script', '山田', 1, 'yamada'],
      ['part of the description', 'schadel', 1, 'muller'],
      ['a name and a description', 'müller 100%_x', 1, 'muller'],
      ['the beginning of an accession number', 'a-', 1, 'muller'],
      ['the beginning of a PatientID', 'p1', 2, 'yamada', 'muller'],
      ['a PatientID with a percent sign', 'P%', 1, 'omega'],
      ['a PatientID with an underline', 'p_', 1, 'ivanov'],
      ['a PatientID with an asterisk', 'p*', 1, 'star'],
      ['words that different studies have', 'muller yamada', 0],
      ['a study that the account may not read', 'P1-foreign', 0],
    ])('finds %s', async (_, words, ...expected) => expect(await list(q(words))).toEqual(expected));

    it('has plain values, and the audit has the number of answers but no words', async () => {
      const { body } = await ask(`/api/studies?${q('muller')}`).expect(200);
      expect(Listed.parse(body).items[0]).toMatchObject({
        patient_name: 'Müller^Jörg',
        patient_id: 'P1',
        date: '2024-01-01',
        accession_number: 'A-1',
        description: 'Schädel 100%_x',
        modalities: ['CT', 'MR'],
        series: 2,
        instances: 3,
      });
      const [row] = await world.sql`select action, detail from audit where action = 'GET /api/studies'
        order by id desc limit 1`;
      expect(row).toMatchObject({ action: 'GET /api/studies', detail: { answered: 1, total: 1 } });
      expect(JSON.stringify(row)).not.toMatch(/muller/i);
    });

    it.each(['from=2024-13-01', 'to=yesterday', 'modality=ct%25', 'sort=size', 'limit=x', 'who=me'])(
      'refuses %s',
      async (query) => {
        await ask(`/api/studies?${query}`).expect(400);
      },
    );

    it('shows one study with its series and rights, and another as if it did not exist', async () => {
      const { body } = await ask(`/api/studies/${uids.muller}`).expect(200);
      expect(body).toMatchObject({
        study_uid: uids.muller,
        rights: ['studies:read'],
        series: [
          { instances: 2, bytes: expect.toSatisfy((bytes) => Number(bytes) > 1000) },
          { series_uid: mullerSeries.mr, modality: 'MR', number: 2, body_part: 'HEAD' },
        ],
      });
      const [hidden, unknown] = await Promise.all([
        ask(`/api/studies/${foreign}`).expect(404),
        ask('/api/studies/1.2.3').expect(404),
      ]);
      expect(hidden.text).toBe(unknown.text);
    });

    it('lists the studies of the same patient and issuer, without those of others and out of reach', async () => {
      const [first, second, otherIssuer, hidden, ...anonymous] = Array.from({ length: 6 }, freshUid);
      const patient = { patientId: 'TIMELINE-*', issuer: 'TIMELINE-A' };
      const files = [
        makeInstance({ ...patient, studyUid: first, studyDate: '20230101' }),
        makeInstance({ ...patient, studyUid: second, studyDate: '20240101' }),
        makeInstance({ ...patient, studyUid: otherIssuer, issuer: 'TIMELINE-B' }),
        makeInstance({ ...patient, studyUid: hidden }),
        makeInstance({ patientId: 'TIMELINE-1', issuer: 'TIMELINE-A' }),
        ...anonymous.map((studyUid) => makeInstance({ studyUid, patientId: '', issuer: 'TIMELINE-A' })),
      ];
      await world.store(await world.machine(), files).expect(200);
      const { authorization } = await world.radiologist(
        ...[first, second, otherIssuer, ...anonymous].flatMap((uid) => uid ?? []),
      );
      const timeline = async (uid = '', query = '') => {
        const path = `/api/studies/${uid}/timeline${query}`;
        const { total, items } = Listed.parse(
          (await world.http.get(path).set('authorization', authorization).expect(200)).body,
        );
        return [total, ...items.map(({ study_uid }) => study_uid)];
      };
      expect(await timeline(first)).toEqual([2, second, first]);
      expect(await timeline(second, '?limit=1&offset=1')).toEqual([2, first]);
      expect(await timeline(otherIssuer)).toEqual([1, otherIssuer]);
      expect(await timeline(anonymous[0])).toEqual([1, anonymous[0]]);
      const [row] =
        await world.sql`select patient_id from audit where action = 'GET /api/studies/:study/timeline'
        and study_uid = ${first ?? ''}`;
      expect(row).toEqual({ patient_id: 'TIMELINE-*' });
      const refused = [hidden ?? '', '1.2.3'].map((uid) =>
        world.http.get(`/api/studies/${uid}/timeline`).set('authorization', authorization).expect(404),
      );
      const [out, unknown] = await Promise.all(refused);
      expect(out?.text).toBe(unknown?.text);
    });
  });
}
