import type { Condition, Observation, Patient } from '@medplum/fhirtypes';
import type { Issue } from './issue.js';
import type { IdentityKey } from './values/identity.js';
import type { LookUp, TermAnswer } from './words/term.js';

/** What mapping needs besides the row; nothing is fetched and no clock is read. */
export interface MappingContext {
  /** The secret behind business identifiers. */
  readonly key: IdentityKey;
  /** The day of the first import of these records (`yyyy-MM-dd`): recordedDate, and the day of what has no other. */
  readonly today: string;
  /** The day the file speaks of, when somebody said it; it enters the identity of Observations. */
  readonly asOf?: string;
  readonly lookUp: LookUp;
}

/** A word that waits for a decision. It holds text of a cell: never log it. */
export interface WaitingWord {
  readonly column: string;
  readonly text: string;
  readonly language: 'pt' | 'en' | 'es';
  readonly outcome: Exclude<TermAnswer['outcome'], 'mapped' | 'ignored'>;
}

/** An identifier to find a patient by; aliases are other systems of the same number. */
export interface PatientIdentity {
  readonly system: string;
  readonly value: string;
  readonly aliases: readonly string[];
}

/** What a row becomes. References are `urn:uuid:` of the patient's `fullUrl`; resources carry no server ids. */
export interface RowPlan {
  /** Who it is, without saying who: lanes and duplicates go by it. */
  readonly patientKey: string;
  /** The same of every identifier the row has: two rows that share any of them speak of one patient. */
  readonly identityKeys: readonly string[];
  readonly fullUrl: string;
  /** The first one is the patient's identity. */
  readonly identities: readonly [PatientIdentity, ...PatientIdentity[]];
  readonly patient: Patient;
  readonly conditions: readonly Condition[];
  readonly observations: readonly Observation[];
  readonly waiting: readonly WaitingWord[];
}

/** Every row is planned or rejected, with all its issues. */
export type RowOutcome =
  | { readonly outcome: 'planned'; readonly plan: RowPlan; readonly issues: readonly Issue[] }
  | {
      readonly outcome: 'rejected';
      readonly issues: readonly Issue[];
      /** Nothing waits for them; decided meanwhile, they are known when the row comes back mended. */
      readonly unknown: readonly WaitingWord[];
    };
