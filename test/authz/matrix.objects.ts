import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { Caller, World } from '../support/world.ts';

/** The UIDs of one instance. */
export interface Chain {
  readonly study: string;
  readonly series: string;
  readonly instance: string;
}
export type Level = keyof Chain;

/** Studies in the archive. `own` and `contested` belong to group one, `foreign` to group two, `shared` to both. */
export type Held = 'own' | 'foreign' | 'shared' | 'contested';
/** The objects of the requests. The last three mix UIDs of two studies. */
export type Thing = Held | 'unknown' | 'deleted' | 'mixed series' | 'mixed instance' | 'mixed study';

const chain = (): Chain => ({ study: freshUid(), series: freshUid(), instance: freshUid() });

const own = chain();
const foreign = chain();
const contested = chain();

/** The UIDs in the request for each object. */
export const chains: Readonly<Record<Thing, Chain>> = {
  own,
  foreign,
  contested,
  shared: chain(),
  unknown: chain(),
  deleted: chain(),
  'mixed series': { ...foreign, study: own.study },
  'mixed instance': { ...own, instance: foreign.instance },
  'mixed study': { ...own, study: foreign.study },
};

export const ownPatient = { issuer: 'TEST', patient_id: 'MATRIX-OWN' } as const;
/** A second patient. The archive has an image of this patient with the UIDs of `contested`, but nobody may see the image. */
export const lateComer = { issuer: 'TEST', patient_id: 'QQCANARY-LATE' } as const;

/** Words and UIDs that only readers of the foreign study may see. They occur in no other study. */
export const foreignCanaries: readonly string[] = [
  'Zzcanary',
  'ZZCANARY',
  'zzcanary',
  foreign.study,
  foreign.series,
  foreign.instance,
];
/** Words of the second patient. Nobody may read them in any study. */
export const lateCanaries: readonly string[] = ['Qqcanary', 'QQCANARY', 'qqcanary'];
/** No log line and no metric may contain these words and UIDs. */
export const allCanaries: readonly string[] = [
  ...foreignCanaries,
  ...lateCanaries,
  'Matrixname',
  'MATRIX-OWN',
  ...[own, contested, chains.shared, chains.deleted].flatMap((each) => Object.values(each)),
];

/** The study that the UIDs of a path identify at this level. Undefined if the UIDs do not belong together. */
export function heldAt(thing: Thing, level: Level): Held | undefined {
  switch (thing) {
    case 'own':
    case 'foreign':
    case 'shared':
    case 'contested':
      return thing;
    case 'unknown':
    case 'deleted':
      return undefined;
    case 'mixed series':
      return level === 'study' ? 'own' : undefined;
    case 'mixed instance':
      return level === 'instance' ? undefined : 'own';
    case 'mixed study':
      return level === 'study' ? 'foreign' : undefined;
  }
}

/**
 * Whether the object must be requested at this level. A mixed object is not requested at a level at which its UIDs are those of another
 * object.
 */
export function isApart(thing: Thing, level: Level): boolean {
  if (thing === 'mixed series' || thing === 'mixed study') return level !== 'study';
  return thing !== 'mixed instance' || level === 'instance';
}

/** The attributes of a patient in the patient's instances. */
interface Described {
  readonly id: string;
  readonly name: string;
  readonly words: string;
}
const known = (id: string): Described => ({ id, name: 'Matrixname^Known', words: 'Matrixname ward' });
const patients: Readonly<Record<Held | 'deleted', Described>> = {
  own: known(ownPatient.patient_id),
  shared: known('MATRIX-SHARED'),
  deleted: known('MATRIX-DELETED'),
  contested: known('MATRIX-FIRST'),
  foreign: { id: 'ZZCANARY-1', name: 'Zzcanary^Foreign', words: 'zzcanary ward' },
};
const late: Described = { id: lateComer.patient_id, name: 'Qqcanary^Late', words: 'qqcanary late' };

function fileOf({ study, series, instance }: Chain, patient: Described): Buffer {
  return makeInstance({
    studyUid: study,
    seriesUid: series,
    sopUid: instance,
    patientId: patient.id,
    patientName: patient.name,
    studyDescription: patient.words,
    accessionNumber: patient.id.slice(0, 16),
    institution: patient.words,
  });
}

/** One more image of an existing study, or the first image of a new study, with a new SOP Instance UID. */
export function anotherOf(held: Held | 'new'): { file: Buffer; sop: string } {
  const fresh = chain();
  const sop = fresh.instance;
  if (held === 'new') return { sop, file: fileOf(fresh, known('MATRIX-NEW')) };
  return { sop, file: fileOf({ ...fresh, study: chains[held].study }, patients[held]) };
}

const Last = z.object({ Last: z.number() });

/** Waits until the gateway has processed all entries of the archive's change feed. */
async function watched(world: World): Promise<void> {
  const answer = await world.archive('/changes?last');
  const { Last: last } = Last.parse(await answer.json());
  for (const until = Date.now() + 20_000; ;) {
    const [row] = await world.sql<
      { done: boolean }[]
    >`select position >= ${last} as done from archive_cursor`;
    if (row?.done === true) return;
    if (Date.now() > until) throw new Error('the gateway does not watch its archive');
    await sleep(50);
  }
}

/**
 * Stores all studies and then deletes `deleted`. Also stores an image of the second patient directly in the archive, with the UIDs of the
 * contested study.
 */
export async function furnish(world: World, sender: Caller, remover: Caller): Promise<void> {
  const stored = (['own', 'shared', 'deleted', 'contested', 'foreign'] as const).map((thing) =>
    fileOf(chains[thing], patients[thing]),
  );
  await world.store(sender, stored).expect(200);
  const body = new Uint8Array(fileOf(chains.contested, late));
  const answer = await world.archive('/instances', { method: 'POST', body });
  if (answer.status !== 200) throw new Error(`the archive answered ${answer.status}`);
  await world.http
    .delete(`/dicom-web/studies/${chains.deleted.study}`)
    .set('authorization', remover.authorization)
    .expect(204);
  await watched(world);
}
