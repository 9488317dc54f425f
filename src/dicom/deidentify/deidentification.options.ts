/** Options of the Basic Application Level Confidentiality Profile (PS3.15 §E.3) that a copy uses. */
export interface DeidentificationOptions {
  /** Retain Longitudinal Temporal Information with Modified Dates (§E.3.6): all dates are moved by the same number of days. */
  readonly modifiedDates: boolean;
  /** Retain Patient Characteristics (§E.3.7): sex, age, size and weight. */
  readonly retainPatient: boolean;
  /** Retain Device Identity (§E.3.8): maker, model, serial numbers and stations. */
  readonly retainDevice: boolean;
  /** Clean Descriptors (§E.3.5): words of a fixed list stay in descriptions. All other words are left out. */
  readonly cleanDescriptors: boolean;
}

/** The basic profile without options. */
export const BASIC: DeidentificationOptions = {
  modifiedDates: false,
  retainPatient: false,
  retainDevice: false,
  cleanDescriptors: false,
};

/** A code of CID 7050 of PS3.16 for each part of the profile. */
const CODES = {
  basic: ['113100', 'Basic Application Confidentiality Profile'],
  cleanDescriptors: ['113105', 'Clean Descriptors Option'],
  modifiedDates: ['113107', 'Retain Longitudinal Temporal Information Modified Dates Option'],
  retainPatient: ['113108', 'Retain Patient Characteristics Option'],
  retainDevice: ['113109', 'Retain Device Identity Option'],
} as const;

/** Code value and meaning in the coding scheme DCM. */
export type MethodCode = readonly [value: string, meaning: string];

/** The codes of De-identification Method Code Sequence (0012,0064), the basic profile first. */
export function methodCodes(options: DeidentificationOptions): readonly MethodCode[] {
  const chosen = (['cleanDescriptors', 'modifiedDates', 'retainPatient', 'retainDevice'] as const).filter(
    (option) => options[option],
  );
  return [CODES.basic, ...chosen.map((option) => CODES[option])];
}

/**
 * The values of De-identification Method (0012,0063). They say what the copy is, and what it is not. A value has at most 64 characters (PS3.5 §6.2).
 */
export const CLAIM: readonly string[] = [
  'Pseudonymised by PS3.15 edition 2026c, see the method codes',
  'Not anonymous. Automated checks do not prove absence',
  'The recipient stays bound',
];
