import { z } from 'zod';
import { trimPadding } from '../../dicom/padding.js';
import { isRegular } from '../../dicom/uids.js';

/** A text with the VR LO or SH: no backslash and no control character (PS3.5 §6.2). */
const text = (longest: number) =>
  z
    .string()
    .overwrite(trimPadding)
    .min(1)
    .max(longest)
    .regex(/^[^\\\p{Cc}\p{Surrogate}]*$/u, 'A backslash or control character is not allowed.');
/** A code with the VR CS. */
const code = z
  .string()
  .regex(/^[A-Z0-9_ ]{1,16}$/, 'Use 1 to 16 upper case letters, digits and underscores.');

/** The patient and study of an uploaded file. A DICOM file needs no members, because its header names patient and study. */
export const UploadTarget = z.strictObject({
  patient_id: text(64)
    .optional()
    .describe('The Patient ID (0010,0020) of the patient to whom the file belongs.'),
  issuer: text(64)
    .optional()
    .describe('The Issuer of Patient ID (0010,0021). Default: the issuer of the account, or of the gateway.'),
  study_uid: z
    .string()
    .max(64)
    .regex(/^\d+(\.\d+)*$/)
    .refine(isRegular)
    .optional()
    .describe('The study into which the file is stored. Without it, the file gets a new study.'),
  study_description: text(64).optional().describe('The Study Description (0008,1030) of a new study.'),
  study_date: z.iso.date().optional().describe('The Study Date (0008,0020) of a new study. Default: today.'),
  modality: code
    .optional()
    .describe('The Modality (0008,0060). Default: XC for pictures, DOC for documents.'),
  body_part: code.optional().describe('The Body Part Examined (0018,0015).'),
});
export type UploadTarget = z.output<typeof UploadTarget>;
