import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance, replace } from '../../infra/demo/dicom.writer.ts';
import type { Person, World } from '../support/world.ts';

/** The response of a search. */
export const DataSets = z.array(
  z.record(z.string(), z.object({ vr: z.string(), Value: z.array(z.unknown()).optional() })),
);

/** UIDs of the studies that one person may read. The newest study is last. */
export const uids = {
  muller: freshUid(),
  omega: freshUid(),
  ivanov: freshUid(),
  yamada: freshUid(),
  star: freshUid(),
};
export const foreign = freshUid();
export const mullerSeries = { ct: freshUid(), mr: freshUid() };

const names = new Map(Object.entries(uids).map(([name, uid]) => [uid, name]));

/** The first value of a tag in each result of an answer. */
export function valuesOf(text: string, tag: string): unknown[] {
  return DataSets.parse(JSON.parse(text)).map((item) => item[tag]?.Value?.[0]);
}

/** Short names of the studies of an answer, in order. */
export function namesOf(text: string): (string | undefined)[] {
  return valuesOf(text, '0020000D').map((uid) => names.get(String(uid)));
}

/** Attributes that are not in the catalog. */
const ofStudy = [
  element('00080090', 'PN', 'House^Gregory'),
  element('00101010', 'AS', '043Y'),
  element('00101030', 'DS', '71.5'),
  element('00081110', 'SQ', {
    items: [[element('00081150', 'UI', '1.2.840.10008.3.1.2.3.1'), element('00081155', 'UI', '1.2.3')]],
  }),
  element('00081010', 'SH', 'Scanner'),
  element('00090010', 'LO', 'RADGATE TEST'),
  element('00091001', 'LO', 'private'),
  element('00420011', 'OB', Buffer.alloc(3000, 1)),
];

/** The requests of a series: pairs of Scheduled Procedure Step ID and Requested Procedure ID. */
export function requests(...of: readonly (readonly [step: string, procedure: string])[]) {
  const items = of.map(([step, procedure]) => [
    element('00400007', 'LO', 'Skull'),
    element('00400009', 'SH', step),
    element('00401001', 'SH', procedure),
  ]);
  return element('00400275', 'SQ', { items });
}

export type Searching = { world: World; reader: Person };

/** Stores these studies. The returned person may read all of them except `foreign`. */
export async function storeSearched(world: World): Promise<Searching> {
  const ct = {
    studyUid: uids.muller,
    patientName: 'Müller^Jörg',
    patientId: 'P1',
    studyDate: '20240101',
    seriesUid: mullerSeries.ct,
    studyDescription: 'Schädel 100%_x',
    accessionNumber: 'A-1',
    extra: [...ofStudy, element('00181030', 'LO', 'Head'), requests(['S-1', 'R-1'], ['S-2', 'R-2'])],
  };
  const files = [
    makeInstance({ ...ct, instanceNumber: 1 }),
    makeInstance({
      ...ct,
      instanceNumber: 2,
      extra: replace(ct.extra, [element('00180050', 'DS', '2.5'), element('00101010', 'AS', '044Y')]),
    }),
    makeInstance({
      ...ct,
      seriesUid: mullerSeries.mr,
      modality: 'MR',
      frames: 3,
      extra: [
        ...ofStudy,
        element('00200011', 'IS', '2'),
        element('00180015', 'CS', 'HEAD'),
        requests(['S-1', 'R-2']),
      ],
    }),
    study(uids.omega, 'Ωμέγας^Άννα', 'P%', '20240201', '235959.5'),
    study(uids.ivanov, 'Иванов^Йосиф', 'P_2', '20240301', '101500'),
    study(uids.yamada, 'Yamada^Tarou=山田^太郎=やまだ^たろう', 'P1x', '20240401', '101500'),
    study(uids.star, 'Straße^O’Neill', 'P*', '', ''),
    makeInstance({ ...ct, studyUid: foreign, seriesUid: undefined, patientId: 'P1-foreign' }),
  ];
  await world.store(await world.machine(), files).expect(200);
  return { world, reader: await world.radiologist(...Object.values(uids)) };
}

function study(studyUid: string, patientName: string, patientId: string, studyDate: string, time: string) {
  const extra = [element('00080030', 'TM', time)];
  return makeInstance({ studyUid, patientName, patientId, studyDate, extra });
}
