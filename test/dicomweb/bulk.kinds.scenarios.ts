import { beforeAll, describe, expect, it } from 'vitest';
import { type DicomElement, freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { sample } from '../support/long.form.ts';
import type { World } from '../support/world.ts';
import { DataSet, CorpusDataSets } from './corpus.differences.ts';
import { partsOf } from './wado.reading.ts';
import { type Ask, askerOf } from './wado.world.ts';

const OCTETS = 'application/octet-stream';

const study = freshUid();

const DOCUMENT = '1.2.840.10008.5.1.4.1.1.104';

const filled = (length: number) => Buffer.from(Array.from({ length }, (_, at) => (at * 7) & 0xff));

const floats = Buffer.alloc(64 * 4);

for (let at = 0; at < 64; at += 1) floats.writeFloatLE(at / 3, at * 4);

const stream = filled(2_000);

/** A bulk data value, with the instance that contains it, its path, its bytes and its media type. */
interface Kind {
  readonly name: string;
  readonly sopClassUid?: string;
  readonly modality?: string;
  readonly transferSyntax?: string;
  readonly extra: DicomElement[];
  readonly path: string;
  readonly value: Buffer;
  readonly own?: string;
  /** `value` without its padding byte. */
  readonly document?: Buffer;
}

const documents = (
  [
    ['PDF', '1', 'application/pdf', 'application/pdf', '%PDF-1.4\n%%EOF'],
    ['CDA', '2', 'text/XML', 'text/xml', '<ClinicalDocument xmlns="urn:hl7-org:v3"/>!'],
    ['STL', '3', 'model/stl', 'model/stl', 'solid x\nendsolid x'],
    ['OBJ', '4', 'model/obj', 'model/obj', 'v 0 0 0\n'],
    ['MTL', '5', 'model/mtl', 'model/mtl', 'newmtl x\n1'],
  ] as const
).map(([name, number, named, own, text]): Kind => {
  const document = Buffer.from(text);
  const value = document.length % 2 === 0 ? document : Buffer.concat([document, Buffer.of(0)]);
  const extra = [
    element('00420011', 'OB', document),
    element('00420012', 'LO', named),
    element('00420015', 'UL', [document.length]),
  ];
  return {
    name,
    sopClassUid: `${DOCUMENT}.${number}`,
    modality: 'DOC',
    extra,
    path: '00420011',
    value,
    own,
    document,
  };
});

const pixels = (rows: number): DicomElement[] => [
  element('00280002', 'US', [1]),
  element('00280004', 'CS', 'MONOCHROME2'),
  element('00280010', 'US', [rows]),
  element('00280011', 'US', [8]),
];

const parametricMap = '1.2.840.10008.5.1.4.1.1.30';

const value = filled(3_000);

const kinds: readonly Kind[] = [
  ...documents,
  {
    name: 'a document whose type nobody knows',
    modality: 'DOC',
    sopClassUid: '1.2.840.10008.5.1.4.1.1.88.11',
    extra: [element('00420011', 'OB', value), element('00420012', 'LO', 'text/html')],
    path: '00420011',
    value,
  },
  {
    name: 'float pixel data',
    modality: 'DOC',
    sopClassUid: parametricMap,
    extra: [...pixels(8), element('00280100', 'US', [32]), element('7FE00008', 'OF', floats)],
    path: '7fe00008',
    value: floats,
  },
  {
    name: 'double float pixel data',
    modality: 'DOC',
    sopClassUid: parametricMap,
    extra: [...pixels(4), element('00280100', 'US', [64]), element('7FE00009', 'OD', floats)],
    path: '7fe00009',
    value: floats,
  },
  { name: 'pixel data of more than 1 MiB', extra: [], path: '7fe00010', value: Buffer.alloc(0) },
  {
    name: 'an overlay',
    extra: [element('60000010', 'US', [8]), element('60003000', 'OW', filled(8))],
    path: '60003000',
    value: filled(8),
  },
  { name: 'a lookup table', extra: [element('00281201', 'OW', value)], path: '00281201', value },
  ...['OB', 'OW', 'OF', 'UN'].map((vr) => ({
    name: `a private ${vr}`,
    extra: [element('00090010', 'LO', 'RADGATE TEST'), element('00091001', vr, value)],
    path: '00091001',
    value,
  })),
  {
    name: 'a value in a sequence in a sequence',
    extra: [
      element('00400275', 'SQ', {
        items: [[], [element('00400008', 'SQ', { items: [[element('00091001', 'OB', value)]] })]],
      }),
    ],
    path: '00400275/2/00400008/1/00091001',
    value,
  },
  {
    name: 'what stands behind the pixels',
    extra: [element('7FE10010', 'LO', 'RADGATE TEST'), element('7FE11001', 'OB', value)],
    path: '7fe11001',
    value,
  },
  {
    name: 'a video',
    sopClassUid: '1.2.840.10008.5.1.4.1.1.77.1.4.1',
    transferSyntax: '1.2.840.10008.1.2.4.102',
    modality: 'ES',
    extra: [element('00280008', 'IS', '25'), element('7FE00010', 'OB', { fragments: [stream] })],
    path: '7fe00010',
    value: stream,
    own: 'video/mp4',
  },
  {
    name: 'a still image that is only had as stored',
    transferSyntax: '1.2.840.10008.1.2.4.92',
    extra: [element('7FE00010', 'OB', { fragments: [stream] })],
    path: '7fe00010',
    value: stream,
    own: 'image/jpx',
  },
];

const held = kinds.map((kind) => Object.assign(kind, { series: freshUid(), sop: freshUid() }));

let world: World;

let ask: Ask;

/** All bulk data URLs of a data set, relative to the root. */
function addressesOf(dataSet: DataSet): string[] {
  return Object.values(dataSet).flatMap(({ BulkDataURI, Value, vr }) => {
    if (typeof BulkDataURI === 'string') return [BulkDataURI.split('/dicom-web')[1] ?? ''];
    return vr === 'SQ' && Array.isArray(Value)
      ? Value.flatMap((item) => addressesOf(DataSet.parse(item)))
      : [];
  });
}

/** The scenarios of bulk data of each kind. */
export function registerBulkKinds(shared: () => World): void {
  describe('bulk data', () => {
    beforeAll(async () => {
      world = shared();
      const files = held.map(
        ({ series, sop, sopClassUid, modality, transferSyntax, extra, path, value: bytes }) => {
          const isLarge = path === '7fe00010' && bytes.length === 0;
          return makeInstance({
            studyUid: study,
            seriesUid: series,
            sopUid: sop,
            patientId: 'KINDS-1',
            sopClassUid,
            modality,
            transferSyntax,
            extra,
            rows: isLarge ? 1024 : undefined,
            columns: isLarge ? 1024 : undefined,
          });
        },
      );
      await world.store(await world.machine(), files).expect(200);
      ask = askerOf(world, await world.radiologist(study));
    });

    describe.each(sample(held, 11))(
      'bulk data: $name',
      ({ path, value: bytes, own, document, series, sop }) => {
        const instance = `/studies/${study}/series/${series}/instances/${sop}`;
        const address = `${instance}/bulk/${path}`;

        it('is referred to by metadata, and every address that metadata has is answered', async () => {
          const { body } = await ask(`${instance}/metadata`);
          const [dataSet = {}] = CorpusDataSets.parse(JSON.parse(body.toString()));
          const addresses = addressesOf(dataSet);
          expect(addresses).toContain(address);
          for (const one of addresses) expect([one, (await ask(one, OCTETS)).status]).toEqual([one, 200]);
        });

        it.each([OCTETS, ...(own === undefined ? [] : [own])])(
          'comes as %s, alone or in parts',
          async (type) => {
            const expected = type === own ? (document ?? bytes) : bytes;
            const alone = await ask(address, type);
            expect(alone.status).toBe(200);
            expect(alone.type.split(';')[0]).toBe(type);
            if (expected.length > 0) expect(alone.body.equals(expected)).toBe(true);
            for (const accept of [
              `multipart/related; type="${type}"`,
              `multipart/related; type=${type}`,
              `multipart/related; type="image/png", multipart/related; type="${type}"; q=0.5`,
            ]) {
              const answer = await ask(address, accept);
              expect([accept, answer.status]).toEqual([accept, 200]);
              expect(answer.type).toContain(`type="${type}"`);
              const [part, ...others] = partsOf(answer.type, answer.body);
              expect(others).toEqual([]);
              expect(part?.headers['content-type']?.split(';')[0]).toBe(type);
              expect(part?.body.equals(alone.body)).toBe(true);
            }
          },
        );

        it('is 406 as what it is not', async () => {
          for (const accept of [
            'image/png',
            'text/html',
            'multipart/related; type="text/html"',
            'multipart/related; type=audio/basic',
          ])
            expect([accept, (await ask(address, accept)).status]).toEqual([accept, 406]);
        });
      },
    );

    it('documents are never shown by a browser in the name of this server', async () => {
      for (const { own, path, series, sop } of held.filter(({ document }) => document !== undefined)) {
        const { headers } = await ask(
          `/studies/${study}/series/${series}/instances/${sop}/bulk/${path}`,
          own,
        );
        expect(headers.get('content-disposition')).toBe('attachment');
        expect(headers.get('x-content-type-options')).toBe('nosniff');
      }
    });
  });
}
