import { createHash } from 'node:crypto';
import { z } from 'zod';

/** Orthanc's id of a patient, study, series or instance: five groups of eight hexadecimal digits. */
export const OrthancId = z
  .string()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{8}){4}$/)
  .brand<'OrthancId'>();
export type OrthancId = z.infer<typeof OrthancId>;

/** The id that Orthanc derives from identifiers: the SHA-1 hash of the PatientID and the UIDs, joined by `|`. */
export function orthancIdOf(patientId: string, ...uids: readonly string[]): OrthancId {
  const digest = createHash('sha1')
    .update([patientId, ...uids].join('|'))
    .digest('hex');
  return OrthancId.parse(digest.match(/.{8}/g)?.join('-'));
}
