import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freshUid, TransferSyntax } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { orthancIdOf } from '../../src/orthanc/orthanc.id.ts';
import { sample } from '../support/long.form.ts';
import type { Caller, World } from '../support/world.ts';
import { archived } from './stow.answers.ts';

const DataSets = z.array(z.record(z.string(), z.looseObject({ vr: z.string() })));

let world: World;

let sender: Caller;

/** Stores a file directly in the archive, not through the gateway. */
async function bring(file: Buffer): Promise<void> {
  const answer = await world.archive('/instances', { method: 'POST', body: new Uint8Array(file) });
  expect(answer.status).toBe(200);
}

const sopOf = (one: object) => JSON.stringify('00080018' in one ? one['00080018'] : one);

async function metadataOf(
  reader: Caller,
  path: string,
  withoutPixels: boolean,
): Promise<z.infer<typeof DataSets>> {
  const answer = await world.get(reader, `${path}/metadata`).expect(200);
  const dataSets = DataSets.parse(JSON.parse(answer.text));
  // The archive's metadata of a deflated file does not mention the pixels, although the archive has them.
  if (withoutPixels) for (const one of dataSets) delete one['7FE00010'];
  return dataSets.sort((a, b) => (sopOf(a) < sopOf(b) ? -1 : 1));
}

const rich = [
  element('00080005', 'CS', 'ISO_IR 100'),
  element('00081048', 'PN', 'A^B\\C^D=X=Y'),
  element('00090010', 'LO', 'RADGATE'),
  element('00091001', 'UN', Buffer.alloc(6, 7)),
  element('00091002', 'OB', Buffer.alloc(0)),
  element('00100010', 'PN', Buffer.from('Ünal^Å', 'latin1')),
  element('00181063', 'DS', '1.50 \\2\\ 3e2'),
  element('00186020', 'SL', [-5, 7]),
  element('00189089', 'FD', [1, 2.5, -1e-7]),
  element('00189306', 'FL', [0.1, 3]),
  element('00200019', 'IS', ' 5'),
  element('00200032', 'DS', ''),
  element('00200037', 'DS', '1\\0\\\\1'),
  element('00204000', 'LT', ' a comment  '),
  element('00280009', 'AT', [0x00181063, 0x00540080]),
  element('00400260', 'SQ', { items: [] }),
  element('00400275', 'SQ', {
    items: [
      [
        element('00400007', 'LO', Buffer.from('Rücken', 'latin1')),
        element('00420011', 'OB', Buffer.alloc(4, 1)),
      ],
      [
        element('00080100', 'SH', ''),
        element('00400008', 'SQ', { items: [[element('00080100', 'SH', 'x')]] }),
      ],
    ],
  }),
];

/** The scenarios of studies that two patients share. */
export function registerContested(shared: () => World): void {
  describe('contested studies', () => {
    beforeAll(async () => {
      world = shared();
      sender = await world.machine();
    });

    describe('a study that two patients share', () => {
      it.each(sample(['explicitLittle', 'implicitLittle', 'explicitBig', 'deflated', 'rle'] as const, 3))(
        'goes on being served from its first holder, its metadata as before: %s',
        async (encoding) => {
          const [studyUid, seriesUid] = [freshUid(), freshUid()];
          const sops = [freshUid(), freshUid()];
          const uids = { studyUid, seriesUid, transferSyntax: TransferSyntax[encoding] };
          const file = (sopUid: string, patientId: string) =>
            makeInstance({ ...uids, sopUid, patientId, studyDescription: `of ${patientId}`, extra: rich });
          await world
            .store(
              sender,
              sops.map((sopUid) => file(sopUid, 'FIRST')),
            )
            .expect(200);
          const reader = await world.radiologist(studyUid);
          const paths = [
            `/studies/${studyUid}`,
            `/studies/${studyUid}/series/${seriesUid}`,
            `/studies/${studyUid}/series/${seriesUid}/instances/${sops[1]}`,
          ];
          const before = await Promise.all(
            paths.map((path) => metadataOf(reader, path, encoding === 'deflated')),
          );
          const held = await archived(world);
          // The first instance has the UIDs of a stored instance. The second instance has a new SOP Instance UID.
          await bring(file(sops[1] ?? '', 'SECOND'));
          await bring(file(freshUid(), 'SECOND'));
          expect(await archived(world)).toBe(held + 2);
          expect(
            await Promise.all(paths.map((path) => metadataOf(reader, path, encoding === 'deflated'))),
          ).toEqual(before);
          const frame = await world
            .get(reader, `${paths[2]}/frames/1`)
            .set('accept', 'application/octet-stream');
          expect(frame.status).toBe(200);
          await world.get(reader, `${paths[0]}/rendered`).expect(200);
          await world.get(reader, `${paths[0]}/thumbnail`).expect(200);
        },
      );

      it('and whose first holder is deleted shows nothing of the other under the first one’s name', async () => {
        const uids = { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid() };
        await world.store(sender, [makeInstance({ ...uids, patientId: 'FIRST' })]).expect(200);
        await bring(makeInstance({ ...uids, patientId: 'SECOND', patientName: 'Canary^Name' }));
        const reader = await world.person({
          rights: ['studies:read'],
          scope: { kind: 'patient', issuer: 'TEST', patient_id: 'FIRST' },
        });
        const { studyUid, seriesUid, sopUid } = uids;
        await world.archive(`/instances/${orthancIdOf('FIRST', studyUid, seriesUid, sopUid)}`, {
          method: 'DELETE',
        });
        for (const path of [
          `/studies/${studyUid}`,
          `/studies/${studyUid}/series/${seriesUid}/instances/${sopUid}`,
        ]) {
          const answer = await world.http
            .get(`/dicom-web${path}/metadata`)
            .set('authorization', reader.authorization)
            .catch((error: unknown) => ({ text: String(error) }));
          expect(answer.text).not.toContain('Canary');
        }
      });
    });
  });
}
