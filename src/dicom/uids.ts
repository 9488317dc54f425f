import { z } from 'zod';

/**
 * A UID in a URL or a query: dotted digit groups, at most 64 characters. Leading zeros in a group break the rule of PS3.5 §9.1, but occur in
 * instances that came by C-STORE. Such a UID matches exactly the stored text.
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

/** Whether a UID keeps the rule of PS3.5 §9.1: no group starts with a zero, except the group 0. */
export function isRegular(uid: string): boolean {
  return !/(^|\.)0\d/.test(uid);
}
