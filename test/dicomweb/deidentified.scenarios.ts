import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid, TransferSyntax, type DicomElement } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance, replace, SopClass } from '../../infra/demo/dicom.writer.ts';
import { byDcmtk } from './dcmtk.programs.ts';
import type { Retrieval } from './wado.world.ts';

const study = freshUid();
const series = freshUid();
const NAME = 'Identified^Person';
const chest = [
  element('00080008', 'CS', 'ORIGINAL\\PRIMARY\\AXIAL'),
  element('00080080', 'LO', 'Lakeside Hospital'),
  element('00180015', 'CS', 'CHEST'),
];

/** Each kind of object, and the reasons that the refusal names. An empty text means that there is a copy. */
const KINDS: readonly (readonly [string, string, Parameters<typeof makeInstance>[0]])[] = [
  ['a chest CT', '', { extra: chest }],
  ['a chest CT in RLE', '', { extra: chest, transferSyntax: TransferSyntax.rle }],
  ['a chest CT in big endian', '', { extra: chest, transferSyntax: TransferSyntax.explicitBig }],
  ['a chest CT in implicit VR', '', { extra: chest, transferSyntax: TransferSyntax.implicitLittle }],
  ['a CT of an unknown body part', 'a face', { extra: [element('00080008', 'CS', 'ORIGINAL\\PRIMARY')] }],
  ['a head CT', 'a face', { extra: withBodyPart('HEAD') }],
  ['a head CT without a face', '', { extra: [...withBodyPart('HEAD'), element('00280302', 'CS', 'NO')] }],
  ['a derived CT', 'burned-in', { extra: replace(chest, [element('00080008', 'CS', 'DERIVED\\SECONDARY')]) }],
  ['a CT with burned-in text', 'burned-in', { extra: [...chest, element('00280301', 'CS', 'YES')] }],
  ['a CT with an overlay', 'overlays', { extra: [...chest, element('60000010', 'US', [8])] }],
  ['a secondary capture', 'burned-in', { modality: 'OT' }],
  [
    'a secondary capture without burned-in text',
    '',
    { modality: 'OT', extra: [element('00280301', 'CS', 'NO')] },
  ],
  ['a photograph', 'a photograph', { modality: 'XC', sopClassUid: SopClass.photograph }],
  ['a report', 'a report', { modality: 'SR', sopClassUid: SopClass.basicTextSr }],
  ['a PDF', 'an encapsulated document', { modality: 'DOC', sopClassUid: SopClass.pdf }],
];

/** Registers the tests of this file with the given gateway. */
export function registerDeidentified(given: () => Retrieval): void {
  describe('a copy by anonymize=yes', () => {
    const stored = KINDS.map(([name, reason, options]) => {
      const sop = freshUid();
      const named = { patientId: 'ID-4711-XYZ', patientName: NAME, studyUid: study, seriesUid: series };
      return { name, reason, sop, file: makeInstance({ ...named, ...options, sopUid: sop }) };
    });
    const first = stored[0]?.sop ?? '';
    let copyOf: (
      sop: string,
      more?: string,
      by?: 'reader' | 'other',
    ) => Promise<{ status: number; type: string | null; body: Buffer }>;

    beforeAll(async () => {
      const { world } = given();
      await world.store(
        await world.machine(),
        stored.map(({ file }) => file),
      );
      const [reader, other] = [await world.radiologist(study), await world.radiologist(study)];
      copyOf = async (sop, more = 'contentType=application/dicom', by = 'reader') => {
        const named = `requestType=WADO&studyUID=${study}&seriesUID=${series}&objectUID=${sop}`;
        const { authorization } = by === 'reader' ? reader : other;
        const answer = await fetch(`${world.gateway.url}/wado?${named}&anonymize=yes&${more}`, {
          headers: { authorization },
        });
        const type = answer.headers.get('content-type');
        return { status: answer.status, type, body: Buffer.from(await answer.arrayBuffer()) };
      };
    });

    it.each(stored.filter(({ reason }) => reason === ''))(
      'of $name has no identity',
      async ({ sop, file }) => {
        const { status, type, body } = await copyOf(sop);
        expect([status, type]).toEqual([200, 'application/dicom']);
        const text = body.toString('latin1');
        for (const secret of [NAME, 'ID-4711-XYZ', 'Lakeside', study, series, sop, '20240315', '19700101'])
          expect(text, secret).not.toContain(secret);
        expect(text).toContain('Pseudonymised by PS3.15 edition 2026c');
        const plain = await byDcmtk('dcmconv', ['+te'], await byDcmtk('dcmdrle', [], file).catch(() => file));
        expect(pixelsOf(body).equals(pixelsOf(plain))).toBe(true);
      },
    );

    it.each(stored.filter(({ reason }) => reason !== ''))(
      'of $name is held back, because of $reason',
      async ({ sop, reason }) => {
        const { status, body } = await copyOf(sop);
        expect(status).toBe(406);
        const problem: { code: string; detail: string } = JSON.parse(body.toString());
        expect(problem.code).toBe('held-back');
        expect(problem.detail).toContain(reason);
      },
    );

    it('has the same pseudonyms in each request of an account, and others for another account', async () => {
      const [one, again] = [await copyOf(first), await copyOf(first)];
      const other = await copyOf(first, undefined, 'other');
      expect(one.body.equals(again.body)).toBe(true);
      expect(uids(one).length).toBeGreaterThan(3);
      // Only the UID of the implementation is the same for all.
      expect(uids(one).filter((uid) => uids(other).includes(uid))).toHaveLength(1);
    });

    it.each(['', 'contentType=image/png', 'contentType=application/dicom&frameNumber=1'])(
      'is a file and nothing else: %s is 400',
      async (more) => {
        expect((await copyOf(first, more)).status).toBe(400);
      },
    );
  });
}

function uids({ body }: { body: Buffer }): readonly string[] {
  return body.toString('latin1').match(/2\.25\.\d+/g) ?? [];
}

/** The value of the pixel data, which is the last element of the file. */
function pixelsOf(file: Buffer): Buffer {
  return file.subarray(file.lastIndexOf(Buffer.from('e07f1000', 'hex')) + 12);
}

function withBodyPart(bodyPart: string): DicomElement[] {
  return [element('00080008', 'CS', 'ORIGINAL\\PRIMARY'), element('00180015', 'CS', bodyPart)];
}
