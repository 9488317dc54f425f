import { beforeAll, describe, expect, it } from 'vitest';
import { type DicomElement, freshUid, TransferSyntax } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { longForm, sample } from '../support/long.form.ts';
import type { World } from '../support/world.ts';
import { DataSet, CorpusDataSets } from './corpus.differences.ts';
import { inBigEndian, SHAPES, type Shape, TAGS, writtenValuesOf } from './metadata.values.table.ts';
import { partsOf } from './wado.reading.ts';
import { type Ask, askerOf } from './wado.world.ts';

const ENCODINGS = ['explicitLittle', 'implicitLittle', 'explicitBig', 'deflated'] as const;

type Encoding = (typeof ENCODINGS)[number];

const SEQUENCE = '00720080';

const XML = 'application/dicom+xml';

const OCTETS = 'application/octet-stream';

const study = freshUid();

/** One instance for each shape of values in each encoding. */
const held = ENCODINGS.flatMap((encoding) =>
  SHAPES.map((shape) => ({ encoding, shape, series: freshUid(), sop: freshUid() })),
);

let world: World;

let ask: Ask;

/** One public and one private element of each VR. */
function elementsOf(encoding: Encoding, shape: Shape): DicomElement[] {
  const values = writtenValuesOf(shape).map((value) => ({
    vr: value.vr,
    bytes: encoding === 'explicitBig' ? inBigEndian(value) : value.bytes,
  }));
  return [
    ...values.map(({ vr, bytes }) => element(TAGS[vr] ?? '', vr, bytes)),
    element('00730010', 'LO', 'RADGATE TEST'),
    ...values.map(({ vr, bytes }, at) => element(privateTag(at), vr, bytes)),
  ];
}

function privateTag(at: number): string {
  return `007310${(at + 1).toString(16).padStart(2, '0').toUpperCase()}`;
}

/** The DICOM JSON of those elements by PS3.18 Annex F, with this base of bulk data URLs. */
function expectedOf(encoding: Encoding, shape: Shape, address: string): Record<string, object> {
  const said: Record<string, object> = { '00730010': { vr: 'LO', Value: ['RADGATE TEST'] } };
  const implicit = encoding === 'implicitLittle';
  writtenValuesOf(shape).forEach((value, at) => {
    for (const tag of [TAGS[value.vr] ?? '', privateTag(at)]) {
      // In implicit VR, the VR of a private element, or of an element that is newer than the dictionary, is unknown.
      const isUnknown = implicit && (tag.startsWith('0073') || ['SV', 'UV', 'OV'].includes(value.vr));
      const vr = isUnknown ? 'UN' : value.vr;
      const isBulk = value.said === 'bulk' || (isUnknown && value.bytes.length > 0);
      said[tag] = isBulk
        ? { vr, BulkDataURI: `${address}${tag.toLowerCase()}` }
        : { vr, ...(value.said === undefined ? {} : { Value: value.said }) };
    }
  });
  return said;
}

const instance = ({ series, sop }: { series: string; sop: string }) =>
  `/studies/${study}/series/${series}/instances/${sop}`;

async function metadataOf(one: { series: string; sop: string }): Promise<{ dataSet: DataSet; text: string }> {
  const { status, body } = await ask(`${instance(one)}/metadata`);
  expect(status).toBe(200);
  const [dataSet = {}] = CorpusDataSets.parse(JSON.parse(body.toString()));
  return { dataSet, text: body.toString() };
}

const ofGroups = (dataSet: DataSet) =>
  Object.fromEntries(Object.entries(dataSet).filter(([tag]) => /^007[23]/.test(tag) && tag !== SEQUENCE));

/** The elements for which the metadata refers to bulk data, at the top level and in the sequence, with the bytes of their values. */
function addressed(encoding: Encoding, shape: Shape): { tag: string; bytes: Buffer }[] {
  const said = expectedOf(encoding, shape, '');
  return writtenValuesOf(shape).flatMap((value, at) =>
    [TAGS[value.vr] ?? '', privateTag(at)]
      .filter((tag) => 'BulkDataURI' in (said[tag] ?? {}))
      .flatMap((tag) => [tag, `${SEQUENCE}/2/${tag}`].map((path) => ({ tag: path, bytes: value.bytes }))),
  );
}

function namesIn(values: unknown): number | undefined {
  const names = Array.isArray(values) ? values.filter((value) => value !== null).length : 0;
  return names === 0 ? undefined : names;
}

function asXml(values: unknown): string | undefined {
  if (!Array.isArray(values)) return undefined;
  return values
    .map((value, at) => (value === null ? '' : `<Value number="${at + 1}">${String(value)}</Value>`))
    .join('');
}

/** The scenarios of the values of each VR. */
export function registerMetadataValues(shared: () => World): void {
  describe('values in metadata', () => {
    beforeAll(async () => {
      world = shared();
      const files = held.map(({ encoding, shape, series, sop }) =>
        makeInstance({
          studyUid: study,
          seriesUid: series,
          sopUid: sop,
          patientId: 'VALUES-1',
          modality: 'SR',
          transferSyntax: TransferSyntax[encoding],
          extra: [
            ...elementsOf(encoding, shape),
            // Empty items and sequences without items must not be omitted.
            element(SEQUENCE, 'SQ', { items: [[], elementsOf(encoding, shape), []] }),
            element('00081140', 'SQ', { items: [] }),
          ],
        }),
      );
      await world.store(await world.machine(), files).expect(200);
      ask = askerOf(world, await world.radiologist(study));
    });

    // In `npm test`, each shape in one encoding, and each encoding with a shape.
    const tested = held.filter(({ encoding, shape }) => {
      const inTurn = ENCODINGS[SHAPES.indexOf(shape) % ENCODINGS.length];
      return longForm(true, encoding === inTurn);
    });
    describe.each(tested)('values of every representation: $shape, $encoding', (one) => {
      const { encoding, shape } = one;
      const bulk = () => `${world.gateway.url}/dicom-web${instance(one)}/bulk/`;

      it('are in metadata what PS3.18 Annex F says, at the top and in a sequence, in ascending order', async () => {
        const { dataSet, text } = await metadataOf(one);
        expect(ofGroups(dataSet)).toEqual(expectedOf(encoding, shape, bulk()));
        const inItem = expectedOf(encoding, shape, `${bulk()}${SEQUENCE}/2/`);
        expect(dataSet[SEQUENCE]).toEqual({ vr: 'SQ', Value: [{}, inItem, {}] });
        expect(dataSet['00081140']).toEqual({ vr: 'SQ' });
        const tags = [...text.matchAll(/[{,]"([0-9A-F]{8})":\{"vr"/g)].map(([, tag]) => tag);
        const ownTags = tags.slice(0, tags.indexOf(SEQUENCE) + 1);
        expect(ownTags).toEqual(ownTags.toSorted((a = '', b = '') => (a < b ? -1 : 1)));
      });

      it('are the same in searches, but for bulk data, and in XML', async () => {
        const { dataSet } = await metadataOf(one);
        const search = await ask(`/studies/${study}/series/${one.series}/instances?includefield=all`);
        const [found = {}] = CorpusDataSets.parse(JSON.parse(search.body.toString()));
        const told = Object.entries(ofGroups(dataSet)).filter(
          ([, { BulkDataURI }]) => BulkDataURI === undefined,
        );
        expect(ofGroups(found)).toEqual(Object.fromEntries(told));
        const whole = (await ask(`${instance(one)}/metadata`, XML)).body.toString();
        const xml = whole.replace(
          /<DicomAttribute tag="00720080"[^>]*><Item number="1"\/>.*?<Item number="3"\/><\/DicomAttribute>/s,
          '',
        );
        expect(xml.length).toBeLessThan(whole.length);
        for (const [tag, { vr, Value, BulkDataURI }] of Object.entries(ofGroups(dataSet))) {
          const [, content] =
            new RegExp(
              `<DicomAttribute tag="${tag}" vr="${String(vr)}"[^>]*?(?:/>|>(.*?)</DicomAttribute>)`,
              's',
            ).exec(xml) ?? [];
          if (typeof BulkDataURI === 'string') expect(content).toBe(`<BulkData uri="${BulkDataURI}"/>`);
          else if (vr === 'PN') expect(content?.match(/<PersonName/g)?.length).toBe(namesIn(Value));
          else expect(content).toBe(asXml(Value));
        }
      });

      it('that are referred to come as they are stored, in little endian', async () => {
        for (const { bytes, tag } of sample(addressed(encoding, shape), 20)) {
          const { status, body } = await ask(`${instance(one)}/bulk/${tag}`, OCTETS);
          expect([tag, status, body.toString('hex')]).toEqual([tag, 200, bytes.toString('hex')]);
        }
      });
    });

    it('a value comes in parts or alone, however the type is quoted, and as nothing else', async () => {
      const one = held.find(({ shape }) => shape === 'many');
      if (one === undefined) throw new Error('nothing held');
      const path = `${instance(one)}/bulk/${TAGS['OF'] ?? ''}`;
      const { body } = await ask(path, OCTETS);
      for (const accept of [
        undefined,
        'multipart/related',
        `multipart/related; type="${OCTETS}"`,
        `multipart/related; type=${OCTETS}`,
        `multipart/related; type="*/*"`,
        `image/png, multipart/related; type="${OCTETS}";q=0.5`,
      ]) {
        const { status, type, body: parts } = await ask(path, accept);
        expect([accept, status]).toEqual([accept, 200]);
        expect(partsOf(type, parts).map((part) => part.body.toString('hex'))).toEqual([body.toString('hex')]);
      }
      for (const accept of ['image/png', 'application/pdf', 'multipart/related; type="application/pdf"'])
        expect((await ask(path, accept)).status).toBe(406);
    });
  });
}
