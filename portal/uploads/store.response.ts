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
  for (const item of itemsOf(response, FAILED)) results.set(textOf(item, SOP_UID), failureOf(item));
  for (const item of itemsOf(response, STORED)) results.set(textOf(item, SOP_UID), { stored: true });
  const others = itemsOf(response, OTHERS).map(failureOf);
  return sent.map((uid) => {
    const named = uid === '' ? undefined : results.get(uid);
    return named ?? others.shift() ?? { stored: false, reason: PROCESSING, comment: '' };
  });
}

function failureOf(item: unknown): StoredResult {
  return {
    stored: false,
    reason: Number(valuesOf(item, REASON)[0] ?? PROCESSING),
    comment: textOf(item, COMMENT),
  };
}

function itemsOf(dataSet: unknown, tag: string | undefined): readonly unknown[] {
  return tag === undefined ? [] : valuesOf(dataSet, tag);
}

function textOf(dataSet: unknown, tag: string | undefined): string {
  const [value] = itemsOf(dataSet, tag);
  return typeof value === 'string' ? value : '';
}

/** The values of an element of DICOM JSON (PS3.18 §F.2). */
function valuesOf(dataSet: unknown, tag: string | undefined): readonly unknown[] {
  const values = member(member(dataSet, tag ?? ''), 'Value');
  return Array.isArray(values) ? values : [];
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}
