import type {
  CodeableConcept,
  Coding,
  Condition,
  Identifier,
  Observation,
  ObservationReferenceRange,
  Specimen,
} from '@medplum/fhirtypes';
import type { ResultValue } from './result.value.js';

const TERMINOLOGY = 'http://terminology.hl7.org/CodeSystem';

const concept = (system: string, code: string): CodeableConcept => ({
  coding: [{ system: `${TERMINOLOGY}/${system}`, code }],
});

/** The values of a Condition. */
export interface ConditionFacts {
  readonly identifier: Identifier;
  /** The `fullUrl` of the patient. */
  readonly subject: string;
  /** The word as it is written in the cell. */
  readonly text: string;
  /** The codings of the word. The list can be empty. */
  readonly codings: readonly Coding[];
  readonly verification: 'unconfirmed' | 'provisional' | 'confirmed';
  readonly recordedDate: string;
  readonly onset?: string;
}

/**
 * An active Condition of the problem list. The mapping sets the verification status, because an entry in a spreadsheet is not a confirmed
 * diagnosis.
 */
export function makeCondition(facts: ConditionFacts): Condition {
  return {
    resourceType: 'Condition',
    identifier: [facts.identifier],
    clinicalStatus: concept('condition-clinical', 'active'),
    verificationStatus: concept('condition-ver-status', facts.verification),
    category: [concept('condition-category', 'problem-list-item')],
    code: { ...(facts.codings.length === 0 ? {} : { coding: [...facts.codings] }), text: facts.text },
    subject: { reference: facts.subject },
    ...(facts.onset === undefined ? {} : { onsetDateTime: facts.onset }),
    recordedDate: facts.recordedDate,
  };
}

/** The values of an Observation. `value` has exactly one of its possible members. */
export interface ObservationFacts {
  readonly identifier: Identifier;
  readonly subject: string;
  readonly category: 'vital-signs' | 'social-history' | 'laboratory' | 'survey';
  readonly code: CodeableConcept;
  readonly effective: string;
  readonly value: ResultValue;
  readonly range?: ObservationReferenceRange;
  readonly specimen?: Specimen & { readonly id: string };
}

/** A value that was read from a row. `key` is the code that identifies the result, and `column` is the column of the value. */
export interface MeasuredValue extends Pick<ObservationFacts, 'code' | 'range' | 'value'> {
  readonly key: string;
  readonly column: string | undefined;
}

/** An Observation with the status `final`. */
export function makeObservation(facts: ObservationFacts): Observation {
  return {
    resourceType: 'Observation',
    ...(facts.specimen === undefined ? {} : { contained: [facts.specimen] }),
    identifier: [facts.identifier],
    status: 'final',
    category: [concept('observation-category', facts.category)],
    code: facts.code,
    subject: { reference: facts.subject },
    effectiveDateTime: facts.effective,
    ...facts.value,
    ...(facts.specimen === undefined ? {} : { specimen: { reference: `#${facts.specimen.id}` } }),
    ...(facts.range === undefined ? {} : { referenceRange: [facts.range] }),
  };
}
