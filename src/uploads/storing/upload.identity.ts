import { createHash } from 'node:crypto';
import type { UploadTarget } from './upload.target.js';

/** The identity of an upload: the same file of the same account for the same target has the same identity. */
export interface UploadIdentity {
  readonly sameness: Buffer;
  /** UIDs under the root 2.25 (PS3.5 §B.2) for what is made from the file. */
  readonly studyUid: string;
  readonly seriesUid: string;
  readonly sopUid: string;
}

/** Derives the identity of an upload from the account, the SHA-256 of the file, and the target. */
export function identityOfUpload(accountId: string, sha256: Buffer, target: UploadTarget): UploadIdentity {
  const members = Object.entries(target).toSorted(([one], [other]) => (one < other ? -1 : 1));
  const text = JSON.stringify([accountId, sha256.toString('hex'), members]);
  const sameness = createHash('sha256').update(text).digest();
  const uid = (level: string) => {
    const digest = createHash('sha256').update(`upload ${level}`).update(sameness).digest('hex');
    return `2.25.${BigInt(`0x${digest.slice(0, 32)}`).toString()}`;
  };
  return { sameness, studyUid: uid('study'), seriesUid: uid('series'), sopUid: uid('instance') };
}
