import type { Condition, Observation, Patient } from '@medplum/fhirtypes';
import type { Issue } from './issue.js';
import type { IdentityKey } from './values/identity.js';
import type { LookUp, TermAnswer } from './words/term.js';

/** The inputs of mapping besides the row and the document. Mapping reads no clock and no network. */
export interface MappingContext {
  /** The secret key of the record identifiers. */
  readonly key: IdentityKey;
  /** The day of the upload (`yyyy-MM-dd`): the `recordedDate`, and the date of Observations without another date. */
  readonly today: string;
  /** The day the list describes, if it was given. It is part of the identity of Observations. */
  readonly asOf?: string;
  readonly lookUp: LookUp;
}

/** A word that waits for a decision. It contains text of a cell, so it must not be logged. */
export interface WaitingWord {
  readonly column: string;
  readonly text: string;
  readonly language: 'pt' | 'en' | 'es';
  readonly outcome: Exclude<TermAnswer['outcome'], 'mapped' | 'ignored'>;
}

/** An identifier of a patient. `aliases` are other systems that use the same number. */
export interface PatientIdentity {
  readonly system: string;
  readonly value: string;
  readonly aliases: readonly string[];
}

/** The resources of a row. References are the `fullUrl` of the patient (`urn:uuid:`). Resources have no server ids. */
export interface RowPlan {
  /** A keyed digest of the first identifier. Locks and duplicates use it. */
  readonly patientKey: string;
  /** The keyed digests of all identifiers of the row. Two rows that share one of them are about one patient. */
  readonly identityKeys: readonly string[];
  readonly fullUrl: string;
  /** The first one identifies the patient. */
  readonly identities: readonly [PatientIdentity, ...PatientIdentity[]];
  readonly patient: Patient;
  readonly conditions: readonly Condition[];
  readonly observations: readonly Observation[];
  readonly waiting: readonly WaitingWord[];
}

/** The result of mapping a row: a plan or a rejection, with all issues. */
export type RowOutcome =
  | { readonly outcome: 'planned'; readonly plan: RowPlan; readonly issues: readonly Issue[] }
  | {
      readonly outcome: 'rejected';
      readonly issues: readonly Issue[];
      /** Unknown words of the row. They go to the inbox, so that they can be decided before the corrected row is uploaded. */
      readonly unknown: readonly WaitingWord[];
    };
