import { isRegular, SopUid } from '../../dicom/uids.js';
import type { FileMeta } from '../../dicom/file.meta.js';
import { resourceUrl } from '../http/resource.urls.js';
import type { Failure } from './stow.failures.js';

/** Warning Reason (0008,1196) values (PS3.18 table 10.5.3-1). `coerced`: the catalog and the header have different values. */
export const WARNING = { coerced: 0xb000 } as const;
type Warning = (typeof WARNING)[keyof typeof WARNING];

/** The SOP Instance UID and SOP Class UID of a part. */
export interface SopIdentity {
  readonly sopUid: string;
  readonly sopClassUid: string;
}

/** A stored instance, its study, its series and its patient. */
interface Stored extends SopIdentity {
  readonly studyUid: string;
  readonly seriesUid: string;
  readonly patientId: string;
}

/** The result of storing one part. `instance` is `undefined` when the file meta information of the part could not be read. */
export type Outcome =
  | { readonly stored: true; readonly instance: Stored; readonly warning: Warning | undefined }
  | { readonly stored: false; readonly instance: SopIdentity | undefined; readonly failure: Failure };

/**
 * The identity in the file meta information (PS3.10 §7.1). `undefined` when the SOP Instance UID is missing or invalid. An invalid SOP
 * Class UID becomes an empty string.
 */
export function identityOf({ sopInstanceUid, sopClassUid }: FileMeta): SopIdentity | undefined {
  if (!isUid(sopInstanceUid)) return undefined;
  return { sopUid: sopInstanceUid, sopClassUid: isUid(sopClassUid) ? sopClassUid : '' };
}

function isUid(text: string): boolean {
  return SopUid.safeParse(text).success && isRegular(text);
}

/**
 * The status of the response (PS3.18 §10.5.3.1). It is 200 when all parts were stored, and 409 when no part was stored. It is 202 when only
 * some parts were stored, or when a stored part has a warning.
 */
export function statusOf(outcomes: readonly Outcome[]): 200 | 202 | 409 {
  const stored = outcomes.filter((outcome) => outcome.stored).length;
  const warned = outcomes.some((outcome) => outcome.stored && outcome.warning !== undefined);
  if (stored === outcomes.length) return warned ? 202 : 200;
  return stored === 0 ? 409 : 202;
}

/** The Store Instances Response (PS3.18 §10.5.3.2, I.2) in DICOM JSON, with one item for each part. */
export function storeResponse(
  outcomes: readonly Outcome[],
  publicUrl: string,
): Readonly<Record<string, unknown>> {
  const referenced: unknown[] = [];
  const failed: unknown[] = [];
  const others: unknown[] = [];
  const studies = new Set<string>();
  for (const outcome of outcomes) {
    const { instance } = outcome;
    if (outcome.stored) {
      const { studyUid, seriesUid, sopUid } = outcome.instance;
      studies.add(studyUid);
      const url = resourceUrl(publicUrl, { study: studyUid, series: seriesUid, instance: sopUid });
      const warning =
        outcome.warning === undefined ? {} : { '00081196': { vr: 'US', Value: [outcome.warning] } };
      referenced.push({
        ...reference(outcome.instance),
        '00081190': { vr: 'UR', Value: [url] },
        ...warning,
      });
    } else if (instance === undefined) others.push(failureItem(outcome.failure));
    else failed.push({ ...failureItem(outcome.failure), ...reference(instance) });
  }
  const [study, ...more] = studies;
  return {
    ...(study === undefined || more.length > 0
      ? {}
      : { '00081190': { vr: 'UR', Value: [resourceUrl(publicUrl, { study })] } }),
    ...sequence('00081198', failed),
    ...sequence('00081199', referenced),
    ...sequence('0008119A', others),
  };
}

function reference({ sopClassUid, sopUid }: SopIdentity) {
  const sopClass = sopClassUid === '' ? {} : { Value: [sopClassUid] };
  return { '00081150': { vr: 'UI', ...sopClass }, '00081155': { vr: 'UI', Value: [sopUid] } };
}

function failureItem({ reason, comment }: Failure) {
  return { '00000902': { vr: 'LO', Value: [comment] }, '00081197': { vr: 'US', Value: [reason] } };
}

function sequence(tag: string, items: readonly unknown[]) {
  return items.length === 0 ? {} : { [tag]: { vr: 'SQ', Value: items } };
}
