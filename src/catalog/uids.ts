import { z } from 'zod';

const uid = z
  .string()
  .max(64)
  .regex(/^(0|[1-9]\d*)(\.(0|[1-9]\d*))*$/);

/** A DICOM UID (PS3.5 §9.1): dotted digit groups without leading zeros, at most 64 characters. */
export const StudyUid = uid.brand<'StudyUid'>();
export const SeriesUid = uid.brand<'SeriesUid'>();
export const SopUid = uid.brand<'SopUid'>();
export type StudyUid = z.infer<typeof StudyUid>;
export type SeriesUid = z.infer<typeof SeriesUid>;
export type SopUid = z.infer<typeof SopUid>;
