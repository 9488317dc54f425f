import { z } from 'zod';
import { trimPadding } from '../dicom/padding.js';

const printable = z.string().regex(/^\P{Cc}*$/u, { message: 'Control characters are not allowed.' });

/** A unique name: 1 to 128 printable characters. */
export const Name = printable.trim().min(1).max(128);

/** The name of an account. It must not contain a colon, because Basic authentication sends `<account>:<key>` (RFC 7617 §2). */
export const AccountName = Name.regex(/^[^:]*$/, { message: 'A colon is not allowed.' });

/** A text for display. It may be empty. */
export const DisplayText = printable.trim().max(1024);

/** A DICOM text of at most 64 characters (LO), or null. Empty text becomes null. */
export const Assigned = printable
  .overwrite(trimPadding)
  .max(64)
  .nullable()
  .transform((text) => (text === '' ? null : text));

/** A time with a UTC offset, from the year 1970 to the year 9999. */
export const Moment = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .refine((date) => date.getUTCFullYear() >= 1970 && date.getUTCFullYear() <= 9999, {
    message: 'The year must be from 1970 to 9999.',
  });

/** The key of a patient in the catalog: issuer and PatientID without padding. Both are case-sensitive. */
export const PatientKey = z.strictObject({
  issuer: printable.overwrite(trimPadding).min(1).max(64),
  patient_id: printable.overwrite(trimPadding).min(1).max(64),
});
/** The key of a linked patient, as responses show it. */
export const KnownPatient = z.object({ issuer: z.string(), patient_id: z.string() });
export type PatientKey = z.output<typeof PatientKey>;
