import { z } from 'zod';
import { trimPadding } from '../dicom/padding.js';

const printable = z.string().regex(/^\P{Cc}*$/u, { message: 'Control characters are not allowed.' });

/** A name by which a thing is found: 1 to 128 printable characters. */
export const Name = printable.trim().min(1).max(128);

/** A name that is half of `Basic <account>:<key>`, where a colon would end it (RFC 7617 §2). */
export const AccountName = Name.regex(/^[^:]*$/, { message: 'A colon is not allowed.' });

/** Words for people to read; may be empty. */
export const DisplayText = printable.trim().max(1024);

/** A DICOM text of 64 characters (LO) or nothing; an empty one is nothing. */
export const Assigned = printable
  .overwrite(trimPadding)
  .max(64)
  .nullable()
  .transform((text) => (text === '' ? null : text));

/** A moment with its offset, within years both we and Postgres can write. */
export const Moment = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .refine((date) => date.getUTCFullYear() >= 1970 && date.getUTCFullYear() <= 9999, {
    message: 'The year must be from 1970 to 9999.',
  });

/** The key of a patient as the catalog has it: both without padding, exact and case-sensitive. */
export const PatientKey = z.strictObject({
  issuer: printable.overwrite(trimPadding).min(1).max(64),
  patient_id: printable.overwrite(trimPadding).min(1).max(64),
});
/** The same as it is told: as it is kept. */
export const KnownPatient = z.object({ issuer: z.string(), patient_id: z.string() });
export type PatientKey = z.output<typeof PatientKey>;
