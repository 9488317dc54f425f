import type { Condition, Observation, Patient } from '@medplum/fhirtypes';
import type { FurtherRecord } from './records/record.kinds.js';
import type { Issue } from './issue.js';
import type { IdentityKey } from './values/identity.js';
import type { CodeLookUp } from './words/code.map.js';
import type { DecisionRevision, LookUp, TermAnswer } from './words/term.js';

/** The inputs of the mapping besides the row and the document. The mapping itself uses neither a clock nor the network. */
export interface MappingContext {
  /** The secret key for the digests that identify patients and records. */
  readonly key: IdentityKey;
  /** The day of the upload (`yyyy-MM-dd`). It is the `recordedDate` of Conditions, and the date of Observations without another date. */
  readonly today: string;
  /** The day that the list describes, if the upload names a day. It is part of the identifier of Observations. */
  readonly asOf?: string;
  readonly lookUp: LookUp;
  /** Looks up ICD-10 codes in the maps that an operator has loaded. Missing if there are no maps. */
  readonly codes?: CodeLookUp;
  /** The URI of the facility that sends the list. It is part of the systems of identifiers that are unique only within a facility. */
  readonly facility?: string;
  /**
   * The persons whom somebody has decided to be another patient than the patient with the same identifier (`RowPlan.person`), and the
   * digests of the disputed identifiers of each person.
   */
  readonly separated?: ReadonlyMap<string, readonly string[]>;
  /** The ids of the Patients that somebody has chosen for the persons (`RowPlan.person`) whose identifiers belong to several Patients. */
  readonly chosen?: ReadonlyMap<string, string>;
}

/** A word that waits for a decision. It contains text from a cell, so it must not be logged. */
export interface WaitingWord {
  readonly column: string;
  readonly text: string;
  readonly language: 'pt' | 'en' | 'es';
  readonly outcome: Exclude<TermAnswer['outcome'], 'mapped' | 'ignored'>;
}

/**
 * A word of a row and the Condition or Observation that it gave. `record` is the value of the record key. An ignored word has no record.
 * Without `decision`, the shipped ConceptMap contains the word, or the word is kept as text.
 */
export interface WordUse {
  readonly record?: string;
  readonly kind?: 'Condition' | 'Observation';
  readonly decision?: DecisionRevision;
}

/**
 * An identifier of a patient. `aliases` are other systems that use the same number. `former` are the forms in which earlier versions wrote
 * the identifier.
 */
export interface PatientIdentity {
  readonly system: string;
  readonly value: string;
  readonly aliases: readonly string[];
  readonly former?: readonly { readonly system: string; readonly value: string }[];
}

/** What is known about a result or a Condition besides its resource. */
export interface PlannedResult {
  /** The values of identifiers that earlier versions gave the same record. */
  readonly aliases: readonly string[];
  /** The column of the value. */
  readonly column?: string;
  /** Whether the result has no time and no order. Such a result is never a correction of another result. */
  readonly undated?: true;
  /** Whether rows that were merged have different values for this result. None of the values is written. */
  readonly conflict?: true;
}

/** The Patient that a person has chosen for a row whose identifiers belong to several Patients. */
export interface ChosenPatient {
  readonly id: string;
  /** Other keys for the records of the row, by their present key. A record gets its other key if another Patient has the present key. */
  readonly keys: Readonly<Record<string, string>>;
}

/** The resources of a row. References use the `fullUrl` of the patient (`urn:uuid:`). The resources have no server ids yet. */
export interface RowPlan {
  /** A keyed digest of the main identifier. It is used for locks and to find duplicate rows. */
  readonly patientKey: string;
  /**
   * The keyed digests of all identifiers of the row. Two rows with a digest in common are about one patient, or one of the identifiers is
   * wrong.
   */
  readonly identityKeys: readonly string[];
  readonly fullUrl: string;
  /** The keyed digest of the identifiers and of the facts that distinguish persons. Decisions about identities use it. */
  readonly person: string;
  /** True if the plan leaves out a disputed identifier, as a person decided. */
  readonly isSeparated?: true;
  readonly chosen?: ChosenPatient;
  /** The identifiers of the row, in the order of the mapping. The first of them is the main identifier of the patient. */
  readonly identities: readonly [PatientIdentity, ...PatientIdentity[]];
  readonly patient: Patient;
  readonly conditions: readonly Condition[];
  readonly observations: readonly Observation[];
  /** The visit of the row, and its allergies, medications and procedures. */
  readonly further?: readonly FurtherRecord[];
  /** Facts about the records, by the value of their first identifier. */
  readonly results: Readonly<Record<string, PlannedResult>>;
  /** Whether the plan was merged from several rows. */
  readonly merged?: true;
  /** The identifiers that earlier versions gave the records, by the present identifier. */
  readonly formerRecords?: Readonly<Record<string, readonly string[]>>;
  readonly waiting: readonly WaitingWord[];
  /** The words of the row that have a meaning, each with the record that it gave. */
  readonly uses: readonly WordUse[];
}

/** The result of mapping a row: a plan or a rejection, with all issues. */
export type RowOutcome =
  | { readonly outcome: 'planned'; readonly plan: RowPlan; readonly issues: readonly Issue[] }
  | {
      readonly outcome: 'rejected';
      readonly issues: readonly Issue[];
      /**
       * Unknown words of the row. These words are added to the inbox, so that a person can decide about them before the corrected row is
       * uploaded.
       */
      readonly unknown: readonly WaitingWord[];
    };
