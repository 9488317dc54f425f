import { XMLValidator } from 'fast-xml-parser';
import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { sample } from '../support/long.form.ts';
import type { Person, World } from '../support/world.ts';
import { DataSets, foreign, mullerSeries, type Searching, uids } from './qido.world.ts';
import { partsOf } from './wado.reading.ts';
import { type Ask, askerOf } from './wado.world.ts';

let world: World;
let reader: Person;
let ask: Ask;

const muller = `/studies/${uids.muller}`;
const XML = 'multipart/related; type="application/dicom+xml"';

async function items(path: string) {
  const { status, body } = await ask(path);
  expect(status).toBe(200);
  return DataSets.parse(JSON.parse(body.toString()));
}

/** Registers the tests of this file with the given gateway. */
export function registerQidoFields(given: () => Searching): void {
  describe('qido fields', () => {
    beforeAll(async () => {
      ({ world, reader } = given());
      ask = askerOf(world, reader);
    });

    describe('includefield', () => {
      it.each([
        'PatientAge',
        '00101010',
        'PatientSize,PatientAge',
        '00101010%2c00101020',
        'patient&includefield=PatientAge',
      ])('brings what the catalog does not hold: %s', async (field) => {
        const [one] = await items(`/studies?StudyInstanceUID=${uids.muller}&includefield=${field}`);
        expect(one?.['00101010']).toEqual({ vr: 'AS', Value: ['043Y'] });
        expect(one?.['00101030']).toBeUndefined();
      });

      it('brings nothing that is not asked for, and never bulk data', async () => {
        const [plain] = await items(`/studies?StudyInstanceUID=${uids.muller}`);
        expect(plain?.['00101010']).toBeUndefined();
        for (const level of ['studies', 'series', 'instances']) {
          for (const item of await items(`/${level}?includefield=all&includefield=00420011,7FE00010`)) {
            expect(item['00420011']).toBeUndefined();
            expect(item['7FE00010']).toBeUndefined();
          }
        }
      });

      it('brings sequences, also when an element within is named', async () => {
        for (const field of ['ReferencedStudySequence', '00081110.00081155']) {
          const [one] = await items(`/studies?StudyInstanceUID=${uids.muller}&includefield=${field}`);
          expect(one?.['00081110']).toEqual({
            vr: 'SQ',
            Value: [
              {
                '00081150': { vr: 'UI', Value: ['1.2.840.10008.3.1.2.3.1'] },
                '00081155': { vr: 'UI', Value: ['1.2.3'] },
              },
            ],
          });
        }
      });

      it('brings private elements by tag', async () => {
        const [one] = await items(`${muller}/instances?includefield=00091001`);
        expect(one?.['00091001']).toEqual({ vr: 'LO', Value: ['private'] });
      });

      it('brings each instance its own, each study and series those of its first', async () => {
        const ofInstances = await items(`${muller}/instances?includefield=PatientAge,SliceThickness`);
        expect(ofInstances.map((item) => item['00101010']?.Value?.[0])).toEqual(['043Y', '044Y', '043Y']);
        expect(ofInstances.map((item) => item['00180050']?.Value?.[0])).toEqual([
          undefined,
          '2.5',
          undefined,
        ]);
        const ofSeries = await items(`${muller}/series?includefield=StationName`);
        expect(ofSeries.map((item) => item['0020000E']?.Value?.[0])).toEqual([
          mullerSeries.ct,
          mullerSeries.mr,
        ]);
        expect(ofSeries.map((item) => item['00081010']?.Value?.[0])).toEqual(['Scanner', 'Scanner']);
      });

      it('all returns the attributes of the level, with the values of the catalog', async () => {
        const [study] = await items(`/studies?StudyInstanceUID=${uids.muller}&includefield=all`);
        expect(study?.['00101030']).toEqual({ vr: 'DS', Value: ['71.5'] });
        expect(study?.['00201208']).toEqual({ vr: 'IS', Value: [3] });
        expect(study?.['00080005']).toEqual({ vr: 'CS', Value: ['ISO_IR 192'] });
        for (const below of ['00081010', '00080060', '00280010', '00080018'])
          expect(study?.[below]).toBeUndefined();
        const [series] = await items(`${muller}/series?includefield=all`);
        expect(series?.['00081010']).toEqual({ vr: 'SH', Value: ['Scanner'] });
        expect(series?.['00280004']).toBeUndefined();
        const [instance] = await items(`${muller}/instances?includefield=all`);
        expect(instance?.['00280004']).toEqual({ vr: 'CS', Value: ['MONOCHROME2'] });
        expect(instance?.['00081190']?.Value).toEqual([
          `${world.gateway.url}/dicom-web${muller}/series/${mullerSeries.ct}/instances/${String(instance?.['00080018']?.Value?.[0])}`,
        ]);
      });

      it('omits attributes of lower levels, without a request to the archive', async () => {
        const [study] = await items(
          `/studies?StudyInstanceUID=${uids.muller}&includefield=00081030%2C00080060`,
        );
        expect(study?.['00080060']).toBeUndefined();
      });

      it('shows nothing out of scope', async () => {
        const nobody = await world.radiologist(freshUid());
        const answer = await world.get(nobody, '/studies?includefield=all').expect(200, '[]');
        expect(answer.headers['x-total-count']).toBe('0');
        expect((await ask('/instances?includefield=all')).body.toString()).not.toContain(foreign);
      });
    });

    it('a search is named application/json for who asks for that alone', async () => {
      const [plain, dicom] = [await ask('/studies', 'application/json'), await ask('/studies')];
      expect([plain.status, plain.type, dicom.type]).toEqual([
        200,
        'application/json',
        'application/dicom+json',
      ]);
      expect(plain.body.equals(dicom.body)).toBe(true);
      expect(plain.headers.get('vary')).toContain('Accept');
      expect((await ask('/studies', 'application/json, */*;q=0.8')).type).toBe('application/json');
      expect((await ask('/studies', 'application/json, */*')).type).toBe('application/dicom+json');
    });

    describe('a search as XML', () => {
      it.each(sample(['/studies', '/series', '/instances', `${muller}/series`, `${muller}/instances`], 3))(
        'has a part for each item: %s',
        async (path) => {
          const json = await items(path);
          const { status, type, headers, body } = await ask(path, XML);
          expect([status, type.replace(/boundary=.*/, '')]).toEqual([200, `${XML}; `]);
          expect(headers.get('x-total-count')).toBe(String(json.length));
          const parts = partsOf(type, body);
          expect(parts).toHaveLength(json.length);
          parts.forEach((part, index) => {
            const text = part.body.toString();
            expect(XMLValidator.validate(text)).toBe(true);
            const url = String(json[index]?.['00081190']?.Value?.[0]);
            expect(text).toContain(`keyword="RetrieveURL"><Value number="1">${url}</Value>`);
          });
        },
      );

      it('of nothing is 204', async () => {
        const { status, headers, body } = await ask('/studies?PatientID=nobody', XML);
        expect([status, headers.get('x-total-count'), body.length]).toEqual([204, '0', 0]);
      });

      it('goes with includefield, and is 406 as one document', async () => {
        const { body } = await ask(`/studies?StudyInstanceUID=${uids.muller}&includefield=PatientAge`, XML);
        expect(body.toString()).toContain('keyword="PatientAge"><Value number="1">043Y</Value>');
        expect((await ask('/studies', 'application/dicom+xml')).status).toBe(406);
        expect((await ask('/studies', 'text/html')).status).toBe(406);
      });
    });
  });
}
