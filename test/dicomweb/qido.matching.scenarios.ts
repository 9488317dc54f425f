import { beforeAll, describe, expect, it } from 'vitest';
import { sample } from '../support/long.form.ts';
import type { Person, World } from '../support/world.ts';
import { DataSets, foreign, mullerSeries, namesOf, type Searching, uids, valuesOf } from './qido.world.ts';

let world: World;
let reader: Person;

/** Names of the found studies in the order of the answer. */
async function found(query: string): Promise<(string | undefined)[]> {
  const answer = await world.get(reader, `/studies${query}`).expect(200);
  expect(answer.text).not.toContain(foreign);
  return namesOf(answer.text);
}

/** Registers the tests of this file with the given gateway. */
export function registerQidoMatching(given: () => Searching): void {
  describe('qido matching', () => {
    beforeAll(async () => {
      ({ world, reader } = given());
    });

    describe('a search of studies', () => {
      it('lists the newest first and those without a date last', async () => {
        expect(await found('')).toEqual(['yamada', 'ivanov', 'omega', 'muller', 'star']);
      });

      it.each(
        sample(
          [
            ['PatientName=M%C3%BCller%5EJ%C3%B6rg', ['muller']],
            ['PatientName=m%C3%BCller%5Ej%C3%B6rg', ['muller']],
            ['PatientName=MULLER%5EJORG', ['muller']],
            ['PatientName=Mu%CC%88ller*', ['muller']],
            ['PatientName=m?ller*', ['muller']],
            ['PatientName=*%CF%89%CE%BC%CE%B5%CE%B3%CE%B1%CF%82*', ['omega']],
            ['PatientName=%CE%A9%CE%9C%CE%95%CE%93%CE%91%CE%A3*', ['omega']],
            ['PatientName=%CE%A9%CE%9C%CE%95%CE%93%CE%91%CE%A3%5E*', ['omega']],
            ['PatientName=%D0%B8%D0%B2%D0%B0%D0%BD%D0%BE%D0%B2*', ['ivanov']],
            ['PatientName=%D0%98%D0%92%D0%90%D0%9D%D0%9E%D0%92%5E%D0%99%D0%BE%D1%81%D0%B8%D1%84', ['ivanov']],
            ['PatientName=%E5%B1%B1%E7%94%B0%5E%E5%A4%AA%E9%83%8E', ['yamada']],
            ['PatientName=*%E5%B1%B1%E7%94%B0*', ['yamada']],
            ['PatientName=yamada%5Etarou', ['yamada']],
            ['PatientName==%E5%B1%B1%E7%94%B0*', ['yamada']],
            ['PatientName=%3D%E5%B1%B1%E7%94%B0%5E%E5%A4%AA%E9%83%8E', ['yamada']],
            ['PatientName===%E3%82%84%E3%81%BE%E3%81%A0*', ['yamada']],
            ['PatientName=Yamada*=%E5%B1%B1%E7%94%B0*', ['yamada']],
            ['PatientName=Yamada*==*%E3%81%9F%E3%82%8D%E3%81%86', ['yamada']],
            ['PatientName=Yamada%5ETarou=*=%E3%82%84*', ['yamada']],
            ['PatientName=Yamada%5ETarou%5E=%E5%B1%B1%E7%94%B0%5E%E5%A4%AA%E9%83%8E%5E%5E', ['yamada']],
            ['PatientName=Yamada%5ETarou=', ['yamada']],
            ['PatientName===*', ['yamada', 'ivanov', 'omega', 'muller', 'star']],
            ['PatientName=*=*', ['yamada', 'ivanov', 'omega', 'muller', 'star']],
            ['PatientName=', ['yamada', 'ivanov', 'omega', 'muller', 'star']],
            ['PatientName==%E3%82%84%E3%81%BE%E3%81%A0*', []],
            ['PatientName===%E5%B1%B1%E7%94%B0*', []],
            ['PatientName==Yamada*', []],
            ['PatientName=Ivanov*=%E5%B1%B1%E7%94%B0*', []],
            ['PatientName===%25*', []],
            ['PatientName=yamada*', ['yamada']],
            ['PatientName=STRASSE*', ['star']],
            ['PatientName=Stra%C3%9Fe*', ['star']],
            ['PatientName=Yamada', []],
            ['PatientName=*%25*', []],
            ['PatientName=*_*', []],
            ['PatientName=%5C*', []],
            ['00100010=muller*', ['muller']],
          ] as const,
          14,
        ),
      )('finds names without case and accents, whole or by pattern: %s', async (query, expected) => {
        expect(await found(`?${query}`)).toEqual(expected);
      });

      it.each(
        sample(
          [
            ['PatientName=Muler', ['muller']],
            ['PatientName=Mulle^Jorgi', ['muller']],
            ['PatientName=jorg muler', ['muller']],
            ['PatientName=Yamda', ['yamada']],
            ['PatientName=Strase', ['star']],
            ['PatientName=muller*', ['muller']],
            ['PatientName=山田', ['yamada']],
            ['PatientName=太郎', ['yamada']],
            ['PatientName=иванов', ['ivanov']],
            ['PatientName=Ωμέγας', ['omega']],
            ['PatientName=Muler^Tarou', []],
            ['PatientName=xyzzy', []],
            ['PatientName=%25%25%25', []],
            ['ReferringPhysicianName=Hous^Gregori', ['muller']],
            ['PatientID=P', []],
            ['PatientName=*', ['yamada', 'ivanov', 'omega', 'muller', 'star']],
          ] as const,
          8,
        ),
      )('finds names that are alike when fuzzymatching is asked for: %s', async (query, expected) => {
        const [key = '', value = ''] = query.split('=');
        expect(
          await found(
            `?${key}=${value.startsWith('%') ? value : encodeURIComponent(value)}&fuzzymatching=true`,
          ),
        ).toEqual(expected);
      });

      it.each(['PatientName=Muler', 'PatientName=%E5%B1%B1%E7%94%B0'])(
        'finds nothing alike when it is not asked for: %s',
        async (query) => {
          expect(await found(`?${query}`)).toEqual([]);
          expect(await found(`?${query}&fuzzymatching=false`)).toEqual([]);
        },
      );

      it.each([
        ['ReferringPhysicianName=house%5Egregory', ['muller']],
        ['ReferringPhysicianName=HOUSE*', ['muller']],
        ['00080090=*greg*', ['muller']],
        ['ReferringPhysicianName=House', []],
      ])('finds by the referring physician: %s', async (query, expected) => {
        expect(await found(`?${query}`)).toEqual(expected);
      });

      it.each(
        sample(
          [
            ['PatientID=P1', ['muller']],
            ['PatientID=p1', []],
            ['PatientID=+P1+', ['muller']],
            ['PatientID=%20', ['yamada', 'ivanov', 'omega', 'muller', 'star']],
            ['PatientID=P%25', ['omega']],
            ['PatientID=P_2', ['ivanov']],
            ['PatientID=P_', []],
            ['PatientID=P*', ['yamada', 'ivanov', 'omega', 'muller', 'star']],
            ['PatientID=P?', ['omega', 'muller', 'star']],
            ['PatientID=P%5C*', []],
            ['00100020=P1&00081030=sch%C3%A4del*', ['muller']],
            ['StudyDescription=*100%25_X', ['muller']],
            ['StudyDescription=*100%25?X', ['muller']],
            ['AccessionNumber=A-1', ['muller']],
            ['PatientID=', ['yamada', 'ivanov', 'omega', 'muller', 'star']],
            ['PatientID=*', ['yamada', 'ivanov', 'omega', 'muller', 'star']],
            ['PatientID', ['yamada', 'ivanov', 'omega', 'muller', 'star']],
            ['StudyDescription=schadel+100%25_x', ['muller']],
          ] as const,
          10,
        ),
      )('takes %s as it stands, with * and ? alone as patterns', async (query, expected) => {
        expect(await found(`?${query}`)).toEqual(expected);
      });

      it.each(
        sample(
          [
            ['StudyDate=20240301', ['ivanov']],
            ['StudyDate=20240201-20240301', ['ivanov', 'omega']],
            ['StudyDate=20240301-', ['yamada', 'ivanov']],
            ['StudyDate=-20240201', ['omega', 'muller']],
            ['StudyDate=20240302-20240301', []],
            ['StudyTime=1000-1015', ['yamada', 'ivanov', 'muller']],
            ['StudyTime=2359', ['omega']],
            ['StudyTime=101500.000', ['yamada', 'ivanov', 'muller']],
            ['StudyTime=235959.500', ['omega']],
            ['StudyTime=-1014', []],
            ['StudyTime=2359-', ['omega']],
            ['StudyDate=20240102-20240301&StudyTime=10-23', ['ivanov', 'omega']],
          ] as const,
          7,
        ),
      )('finds by moment and range, both ends included: %s', async (query, expected) => {
        expect(await found(`?${query}`)).toEqual(expected);
      });

      it('finds by a list of UIDs with commas, backslashes, encoded or not', async () => {
        for (const separator of [',', '%2C', '%5C', '\\']) {
          const query = `?StudyInstanceUID=${uids.omega}${separator}${uids.muller}${separator}${foreign}`;
          expect(await found(query)).toEqual(['omega', 'muller']);
        }
      });

      it.each([
        ['CT', ['yamada', 'ivanov', 'omega', 'muller', 'star']],
        ['MR', ['muller']],
        ['M?', ['muller']],
        ['ct', []],
        ['MR%5CUS', ['muller']],
        ['MR%2CUS', ['muller']],
        ['US', []],
      ])('finds by ModalitiesInStudy=%s', async (value, expected) => {
        expect(await found(`?ModalitiesInStudy=${value}`)).toEqual(expected);
      });

      it('answers counts, groups of a name, numbers and empty attributes as DICOM JSON', async () => {
        const answer = await world
          .get(reader, `/studies?StudyInstanceUID=${uids.yamada},${uids.muller}`)
          .expect(200);
        expect(answer.headers['content-type']).toBe('application/dicom+json');
        const [yamada, muller] = DataSets.parse(JSON.parse(answer.text));
        expect(yamada?.['00100010']).toEqual({
          vr: 'PN',
          Value: [{ Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' }],
        });
        expect(yamada?.['00080050']).toEqual({ vr: 'SH' });
        expect(yamada?.['00080090']).toEqual({ vr: 'PN' });
        expect(muller?.['00080090']).toEqual({ vr: 'PN', Value: [{ Alphabetic: 'House^Gregory' }] });
        expect(muller?.['00201206']).toEqual({ vr: 'IS', Value: [2] });
        expect(muller?.['00201208']).toEqual({ vr: 'IS', Value: [3] });
        expect(new Set(muller?.['00080061']?.Value)).toEqual(new Set(['CT', 'MR']));
        expect(muller?.['00081190']?.Value).toEqual([
          `${world.gateway.url}/dicom-web/studies/${uids.muller}`,
        ]);
        expect(Object.keys(muller ?? {})).toEqual(Object.keys(muller ?? {}).toSorted());
      });

      it.each([
        'includefield=00081030%2C00080060',
        'includefield=all',
        'includefield=00081030&includefield=StudyDescription,PatientName',
        'fuzzymatching=false',
        'accept=application/dicom+json',
        'accept=application%2Fdicom%2Bjson',
      ])('accepts %s', async (query) => {
        expect(await found(`?${query}`)).toHaveLength(5);
      });
    });

    describe('a search by what was requested', () => {
      const byUid = new Map(Object.entries(mullerSeries).map(([name, uid]) => [uid, name]));
      const series = async (query: string) => {
        const answer = await world.get(reader, `/series?${query}`).expect(200);
        expect(answer.text).not.toContain(foreign);
        const found = valuesOf(answer.text, '0020000E').map((uid) => byUid.get(String(uid)) ?? '');
        expect(answer.headers['x-total-count']).toBe(String(found.length));
        return found.toSorted((one, other) => one.localeCompare(other));
      };
      const both = (step: string, procedure: string) =>
        series(`00400275.00400009=${step}&00400275.00401001=${procedure}`);

      it.each([
        ['RequestAttributesSequence.ScheduledProcedureStepID=S-1', ['ct', 'mr']],
        ['00400275.00400009=S-2', ['ct']],
        ['RequestAttributesSequence.00401001=R-1', ['ct']],
        ['00400275.RequestedProcedureID=R-2', ['ct', 'mr']],
        ['00400275.00401001=R-?', ['ct', 'mr']],
        ['00400275.00401001=*1', ['ct']],
        ['00400275.00401001=r-1', []],
        ['00400275.00401001=R_1', []],
        ['00400275.00401001=%7BR-1%7D', []],
        ['00400275.00400009=S-1&PatientID=P1&Modality=MR', ['mr']],
      ])('finds series: %s', async (query, expected) => {
        expect(await series(query)).toEqual(expected);
      });

      it('two keys hold of one and the same item', async () => {
        expect(await both('S-1', 'R-1')).toEqual(['ct']);
        expect(await both('S-1', 'R-2')).toEqual(['mr']);
        expect(await both('S-2', 'R-1')).toEqual([]);
        expect(await both('S-*', 'R-2')).toEqual(['ct', 'mr']);
      });

      it('finds instances too, and no study', async () => {
        const answer = await world.get(reader, '/instances?00400275.00401001=R-1').expect(200);
        expect(valuesOf(answer.text, '0020000E')).toEqual([mullerSeries.ct, mullerSeries.ct]);
        const studies = await world.get(reader, '/studies?00400275.00401001=R-1').expect(200);
        expect(studies.headers['warning']).toBe('299 radgate "1 unknown key was ignored"');
        await world
          .get(reader, '/series?00400275.00401001=R-1&00400275.RequestedProcedureID=R-1')
          .expect(400);
      });

      it('is answered with each series, and whole when it is asked for', async () => {
        const of = async (query: string) => {
          const answer = await world
            .get(reader, `/series?SeriesInstanceUID=${mullerSeries.mr}${query}`)
            .expect(200);
          return DataSets.parse(answer.body)[0]?.['00400275'];
        };
        const ids = {
          '00400009': { vr: 'SH', Value: ['S-1'] },
          '00401001': { vr: 'SH', Value: ['R-2'] },
        };
        expect(await of('')).toEqual({ vr: 'SQ', Value: [ids] });
        const whole = { '00400007': { vr: 'LO', Value: ['Skull'] }, ...ids };
        expect(await of('&includefield=RequestAttributesSequence')).toEqual({ vr: 'SQ', Value: [whole] });
        const other = await world.get(reader, `/series?StudyInstanceUID=${uids.omega}`).expect(200);
        expect(DataSets.parse(other.body)[0]?.['00400275']).toEqual({ vr: 'SQ' });
      });
    });
  });
}
