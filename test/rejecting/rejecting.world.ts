import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { Caller, World } from '../support/world.ts';

/** A stored study with two series of two instances each. */
export interface StoredStudy {
  readonly uid: string;
  readonly series: readonly [string, string];
  readonly sops: readonly [string, string, string, string];
  readonly files: readonly Buffer[];
  readonly path: string;
}

/** Stores a study. The first two instances are in the first series. */
export async function storedStudy(world: World, sender: Caller, patientId = 'REJ-1'): Promise<StoredStudy> {
  const uid = freshUid();
  const series = [freshUid(), freshUid()] as const;
  const sops = [freshUid(), freshUid(), freshUid(), freshUid()] as const;
  const files = sops.map((sopUid, at) =>
    makeInstance({
      studyUid: uid,
      seriesUid: series[at < 2 ? 0 : 1],
      sopUid,
      patientId,
      instanceNumber: at + 1,
    }),
  );
  await world.store(sender, files).expect(200);
  return { uid, series, sops, files, path: `/studies/${uid}` };
}

/** Sends a DELETE under /dicom-web. */
export function reject(world: World, who: Caller, path: string) {
  return world.http.delete(`/dicom-web${path}`).set('authorization', who.authorization);
}

/** Sends a request without a body under /api. */
export function api(world: World, who: Caller, method: 'get' | 'post' | 'delete', path: string) {
  return world.http[method](`/api${path}`).set('authorization', who.authorization);
}

const Listed = z.object({
  total: z.number(),
  items: z.array(z.looseObject({ id: z.string(), study_uid: z.string(), instances: z.number() })),
});

/** The rejections of a study that an account sees, newest first. */
export async function rejectionsOf(world: World, who: Caller, study: string) {
  const answer = await api(world, who, 'get', `/rejected?q=${study}`).expect(200);
  return Listed.parse(answer.body).items;
}

/** The number of instances of a study that a search finds. */
export async function visibleOf(world: World, who: Caller, study: string): Promise<number> {
  const answer = await world.get(who, `/instances?StudyInstanceUID=${study}`).expect(200);
  return Number(answer.headers['x-total-count']);
}
