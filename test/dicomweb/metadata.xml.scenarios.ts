import { XMLValidator } from 'fast-xml-parser';
import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { World } from '../support/world.ts';
import { partsOf } from './wado.reading.ts';
import { type Ask, askerOf } from './wado.world.ts';

const study = freshUid();

const series = freshUid();

const [first, second] = [freshUid(), freshUid()];

const XML = 'application/dicom+xml';

const PARTS = `multipart/related; type="${XML}"`;

let world: World;

let ask: Ask;

const one = `/studies/${study}/series/${series}/instances/${first}`;

/** The content type and the parts of a response body. */
async function both(path: string): Promise<[string, Buffer]> {
  const { type, body } = await ask(path, PARTS);
  return [type, body];
}

/** The scenarios of metadata in the Native DICOM Model. */
export function registerMetadataXml(shared: () => World): void {
  describe('metadata in XML', () => {
    beforeAll(async () => {
      world = shared();
      const extra = [
        element('00081030', 'LO', 'a < b & "c" > d'),
        element('00080008', 'CS', 'ORIGINAL\\\\PRIMARY'),
        element('00090010', 'LO', 'RADGATE TEST'),
        element('00091001', 'LO', 'private'),
        element('00100010', 'PN', 'Yamada^Tarou^^Dr=山田^太郎=やまだ^たろう'),
        element('00400275', 'SQ', {
          items: [[element('00400007', 'LO', 'one')], [element('00400007', 'LO', 'two')]],
        }),
        element('00420011', 'OB', Buffer.alloc(3000, 1)),
      ];
      const base = { studyUid: study, seriesUid: series, patientId: 'XML-1' };
      const files = [
        makeInstance({ ...base, sopUid: first, extra }),
        makeInstance({ ...base, sopUid: second, extra, instanceNumber: 2 }),
      ];
      await world.store(await world.machine(), files).expect(200);
      ask = askerOf(world, await world.radiologist(study));
    });

    describe('metadata as XML', () => {
      it.each([
        [`/studies/${study}`, PARTS, 2],
        [`/studies/${study}/series/${series}`, 'multipart/related; type=application/dicom+xml', 2],
        [one, 'multipart/related', 1],
        [one, `text/html, ${PARTS};q=0.3`, 1],
      ])('of %s for %s has a part for each instance', async (path, accept, count) => {
        for (const [address, header] of [
          [`${path}/metadata`, accept],
          [`${path}/metadata?accept=${encodeURIComponent(accept)}`, 'application/json'],
        ] as const) {
          const { status, type, body } = await ask(address, header);
          expect([status, type.replace(/boundary=.*/, '')]).toEqual([200, `${PARTS}; `]);
          const parts = partsOf(type, body);
          expect(parts.map((part) => part.headers['content-type'])).toEqual(Array(count).fill(XML));
          for (const part of parts) expect(XMLValidator.validate(part.body.toString())).toBe(true);
        }
      });

      it('of one instance may be the whole body', async () => {
        const { status, type, body } = await ask(`${one}/metadata`, XML);
        expect([status, type]).toEqual([200, XML]);
        const [part] = partsOf(...(await both(`${one}/metadata`)));
        expect(part?.body.equals(body)).toBe(true);
      });

      it('is the Native DICOM Model of PS3.19', async () => {
        const text = (await ask(`${one}/metadata`, XML)).body.toString();
        for (const written of [
          '<?xml version="1.0" encoding="UTF-8"?>\n<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" xml:space="preserve">',
          `<DicomAttribute tag="0020000D" vr="UI" keyword="StudyInstanceUID"><Value number="1">${study}</Value></DicomAttribute>`,
          '<DicomAttribute tag="00081030" vr="LO" keyword="StudyDescription"><Value number="1">a &lt; b &amp; &quot;c&quot; &gt; d</Value>',
          '<DicomAttribute tag="00080008" vr="CS" keyword="ImageType"><Value number="1">ORIGINAL</Value><Value number="3">PRIMARY</Value>',
          '<DicomAttribute tag="00080050" vr="SH" keyword="AccessionNumber"/>',
          '<DicomAttribute tag="00091001" vr="LO" privateCreator="RADGATE TEST"><Value number="1">private</Value>',
          '<DicomAttribute tag="00280010" vr="US" keyword="Rows"><Value number="1">8</Value>',
          '<PersonName number="1"><Alphabetic><FamilyName>Yamada</FamilyName><GivenName>Tarou</GivenName><NamePrefix>Dr</NamePrefix></Alphabetic><Ideographic><FamilyName>山田</FamilyName><GivenName>太郎</GivenName></Ideographic><Phonetic><FamilyName>やまだ</FamilyName><GivenName>たろう</GivenName></Phonetic></PersonName>',
          '<Item number="2"><DicomAttribute tag="00400007" vr="LO" keyword="ScheduledProcedureStepDescription"><Value number="1">two</Value></DicomAttribute></Item>',
          `<BulkData uri="${world.gateway.url}/dicom-web${one}/bulk/00420011"/>`,
        ])
          expect(text).toContain(written);
      });

      it('has an entity tag of its own', async () => {
        const json = await ask(`${one}/metadata`);
        const xml = await ask(`${one}/metadata`, XML);
        expect(xml.headers.get('etag')).not.toBe(json.headers.get('etag'));
        expect(xml.headers.get('vary')).toContain('Accept');
      });

      it('of an unknown study is the same 404 as in JSON', async () => {
        const nowhere = `/studies/${freshUid()}/metadata`;
        const [json, xml] = [await ask(nowhere), await ask(nowhere, PARTS)];
        expect([xml.status, xml.body.equals(json.body)]).toEqual([404, true]);
      });
    });
  });
}
