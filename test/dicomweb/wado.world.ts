import { freshUid, TransferSyntax } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { Caller, World } from '../support/world.ts';

export const study = freshUid();
export const [ct, multi, rle, report] = [freshUid(), freshUid(), freshUid(), freshUid()];
export const sop = {
  one: freshUid(),
  two: freshUid(),
  multi: freshUid(),
  rle: freshUid(),
  report: freshUid(),
};
export const otherStudy = { study: freshUid(), series: freshUid(), sop: freshUid() };
const base = { studyUid: study, patientId: 'PAT-1', patientName: 'Retrieved^Person' };
export const files = new Map([
  [sop.one, makeInstance({ ...base, seriesUid: ct, sopUid: sop.one, instanceNumber: 1 })],
  [sop.two, makeInstance({ ...base, seriesUid: ct, sopUid: sop.two, instanceNumber: 2 })],
  [sop.multi, makeInstance({ ...base, seriesUid: multi, sopUid: sop.multi, modality: 'US', frames: 3 })],
  [sop.rle, makeInstance({ ...base, seriesUid: rle, sopUid: sop.rle, transferSyntax: TransferSyntax.rle })],
  [sop.report, makeInstance({ ...base, seriesUid: report, sopUid: sop.report, modality: 'SR' })],
]);

/** The paths of the instances. */
export const at = {
  one: `/studies/${study}/series/${ct}/instances/${sop.one}`,
  multi: `/studies/${study}/series/${multi}/instances/${sop.multi}`,
  rle: `/studies/${study}/series/${rle}/instances/${sop.rle}`,
  report: `/studies/${study}/series/${report}/instances/${sop.report}`,
};

export type Retrieval = { world: World; ask: Ask };

/** Stores these instances. `ask` sends requests as a person who may read all of them. */
export async function storeRetrieved(world: World): Promise<Retrieval> {
  const other = makeInstance({
    studyUid: otherStudy.study,
    seriesUid: otherStudy.series,
    sopUid: otherStudy.sop,
  });
  await world.store(await world.machine(), [...files.values(), other]).expect(200);
  return { world, ask: askerOf(world, await world.radiologist(study, otherStudy.study)) };
}

export type Asked = { status: number; type: string; headers: Headers; body: Buffer };
/** Sends a GET under /dicom-web with this Accept header. */
export type Ask = (path: string, accept?: string) => Promise<Asked>;

/** Returns a function that sends requests as this account. */
export function askerOf(world: World, reader: Caller): Ask {
  return async (path, accept) => {
    const headers = { authorization: reader.authorization, ...(accept === undefined ? {} : { accept }) };
    const answer = await fetch(`${world.gateway.url}/dicom-web${path}`, { headers });
    const body = Buffer.from(await answer.arrayBuffer());
    const type = answer.headers.get('content-type') ?? '';
    return { status: answer.status, type, headers: answer.headers, body };
  };
}

/** The stored file with this SOP Instance UID. */
export function fileOf(uid: string): Buffer {
  const file = files.get(uid);
  if (file === undefined) throw new Error(`no file ${uid}`);
  return file;
}

/** One frame of an uncompressed file of `makeInstance` that has `of` frames. The pixel data is at the end of the file. */
export function frameOf(uid: string, frame: number, of: number): Buffer {
  const size = 8 * 8 * 2;
  const pixels = fileOf(uid).subarray(-size * of);
  return pixels.subarray((frame - 1) * size, frame * size);
}
