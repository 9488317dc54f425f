import { dicomText, dicomValues } from '../client/dicom.json.ts';

/** The answer for one instance of an upload. `reason`: Failure Reason (0008,1197). `comment`: the reason in words, in English. */
export type StoredResult =
  { readonly stored: true } | { readonly stored: false; readonly reason: number; readonly comment: string };

const [FAILED, STORED, OTHERS] = ['00081198', '00081199', '0008119A'];
const [SOP_UID, REASON, COMMENT] = ['00081155', '00081197', '00000902'];
/** Failure Reason for a failure that a later attempt can avoid: processing failure. */
const PROCESSING = 0x0110;

/**
 * Reads the Store Instances Response (PS3.18 §I.2) for the instances that were sent, in their order. The response names instances by their
 * UIDs. Those without a readable UID are in a list of their own, in their order. An instance without an entry has the reason 0x0110.
 */
export function readStoreResponse(response: unknown, sent: readonly string[]): StoredResult[] {
  const results = new Map<string, StoredResult>();
  for (const item of dicomValues(response, FAILED)) results.set(dicomText(item, SOP_UID), failureOf(item));
  for (const item of dicomValues(response, STORED)) results.set(dicomText(item, SOP_UID), { stored: true });
  const others = dicomValues(response, OTHERS).map(failureOf);
  return sent.map((uid) => {
    const named = uid === '' ? undefined : results.get(uid);
    return named ?? others.shift() ?? { stored: false, reason: PROCESSING, comment: '' };
  });
}

function failureOf(item: unknown): StoredResult {
  return {
    stored: false,
    reason: Number(dicomValues(item, REASON)[0] ?? PROCESSING),
    comment: dicomText(item, COMMENT),
  };
}
