import { z } from 'zod';
import { trimPadding } from '../dicom/padding.js';

/** A trimmed text. Stored values are trimmed, so a grant for a value with spaces at the ends would cover nothing. */
const named = z.string().overwrite(trimPadding).min(1).max(64);

/**
 * The scope of a grant, as JSON of the API. The scope says which studies the grant covers. `issuer` and `patient_id` are compared exactly.
 */
export const Scope = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('all') }),
  z.strictObject({ kind: z.literal('own-patient') }),
  z.strictObject({ kind: z.literal('own-uploads') }),
  z.strictObject({
    kind: z.literal('study'),
    study_uid: z
      .string()
      .max(64)
      .regex(/^[0-9.]+$/),
  }),
  z.strictObject({ kind: z.literal('patient'), issuer: named, patient_id: named }),
  z.strictObject({ kind: z.literal('institution'), institution: named }),
  z.strictObject({ kind: z.literal('modality'), modality: z.string().trim().min(1).max(16) }),
]);
export type Scope = z.infer<typeof Scope>;

/** The kinds of scopes. */
export const ScopeKind = z.enum([
  'all',
  'own-patient',
  'own-uploads',
  'study',
  'patient',
  'institution',
  'modality',
]) satisfies z.ZodType<Scope['kind']>;
