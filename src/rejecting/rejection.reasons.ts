/** The reasons of a rejection: code values of the coding scheme DCM with their meanings (PS3.16 CID 7011). */
export const REJECTION_REASONS = {
  '113001': 'Rejected for Quality Reasons',
  '113037': 'Rejected for Patient Safety Reasons',
  '113038': 'Incorrect Modality Worklist Entry',
  '113039': 'Data Retention Policy Expired',
} as const;

export type RejectionReason = keyof typeof REJECTION_REASONS;

/** The code values of {@link REJECTION_REASONS}. */
export const REASON_CODES = [
  '113001',
  '113037',
  '113038',
  '113039',
] as const satisfies readonly RejectionReason[];
