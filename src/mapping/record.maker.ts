import type { CodeableConcept, Coding, Condition, Identifier, Observation } from '@medplum/fhirtypes';

const TERMINOLOGY = 'http://terminology.hl7.org/CodeSystem';

const concept = (system: string, code: string): CodeableConcept => ({
  coding: [{ system: `${TERMINOLOGY}/${system}`, code }],
});

/** What a Condition is made of. */
export interface ConditionFacts {
  readonly identifier: Identifier;
  /** The `fullUrl` of the patient. */
  readonly subject: string;
  /** The word as it was written. */
  readonly text: string;
  readonly coding?: Coding;
  readonly verification: 'unconfirmed' | 'provisional' | 'confirmed';
  readonly recordedDate: string;
  readonly onset?: string;
}

/** A problem of the problem list. It is unconfirmed unless the mapping says more: a note in a spreadsheet is no diagnosis. */
export function makeCondition(facts: ConditionFacts): Condition {
  return {
    resourceType: 'Condition',
    identifier: [facts.identifier],
    clinicalStatus: concept('condition-clinical', 'active'),
    verificationStatus: concept('condition-ver-status', facts.verification),
    category: [concept('condition-category', 'problem-list-item')],
    code: { ...(facts.coding === undefined ? {} : { coding: [facts.coding] }), text: facts.text },
    subject: { reference: facts.subject },
    ...(facts.onset === undefined ? {} : { onsetDateTime: facts.onset }),
    recordedDate: facts.recordedDate,
  };
}

/** What an Observation is made of; the value is one of the three. */
export interface ObservationFacts {
  readonly identifier: Identifier;
  readonly subject: string;
  readonly category: 'vital-signs' | 'social-history' | 'laboratory' | 'survey';
  readonly code: Coding;
  readonly effective: string;
  readonly value: Pick<Observation, 'valueQuantity' | 'valueCodeableConcept' | 'component'>;
}

/** A final Observation. */
export function makeObservation(facts: ObservationFacts): Observation {
  return {
    resourceType: 'Observation',
    identifier: [facts.identifier],
    status: 'final',
    category: [concept('observation-category', facts.category)],
    code: { coding: [facts.code] },
    subject: { reference: facts.subject },
    effectiveDateTime: facts.effective,
    ...facts.value,
  };
}
