import type { FastifyRequest } from 'fastify';
import { SeriesUid, SopUid, StudyUid } from '../../dicom/uids.js';

/** Path parameters parsed at the door: a malformed UID is 400 and goes no further. */
export const StudyParam = { schema: StudyUid };
export const SeriesParam = { schema: SeriesUid };
export const InstanceParam = { schema: SopUid };

/** The query string as it was sent, undecoded, without the question mark. */
export function queryOf(request: FastifyRequest): string {
  const url = request.raw.url ?? '';
  const mark = url.indexOf('?');
  return mark === -1 ? '' : url.slice(mark + 1);
}
