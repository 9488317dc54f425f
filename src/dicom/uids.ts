import { z } from 'zod';

/**
 * A UID in a URL or a query: groups of digits separated by dots, at most 64 characters. PS3.5 §9.1 forbids leading zeros in a group, but
 * instances that came by C-STORE can have them. Such a UID must equal the stored text exactly.
 */
const uid = z
  .string()
  .max(64)
  .regex(/^\d+(\.\d+)*$/);

export const StudyUid = uid.brand<'StudyUid'>();
export const SeriesUid = uid.brand<'SeriesUid'>();
export const SopUid = uid.brand<'SopUid'>();
export type StudyUid = z.infer<typeof StudyUid>;
export type SeriesUid = z.infer<typeof SeriesUid>;
export type SopUid = z.infer<typeof SopUid>;

/** Whether a UID follows the rule of PS3.5 §9.1 that a group has no leading zero. The group `0` is allowed. */
export function isRegular(uid: string): boolean {
  return !/(^|\.)0\d/.test(uid);
}
