import { z } from 'zod';

/**
 * A UID as it is addressed: dotted digit groups, at most 64 characters. Groups with leading zeros break the rule of PS3.5 §9.1, but come by
 * C-STORE: they mean exactly what is stored, and no other spelling of it.
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

/** Whether an addressable UID keeps the rule of PS3.5 §9.1: no group but 0 itself begins with a zero. */
export function isRegular(addressable: string): boolean {
  return !/(^|\.)0\d/.test(addressable);
}
