import type { Provenance } from '@medplum/fhirtypes';

const TYPES = 'http://terminology.hl7.org/CodeSystem';

/** The facts about a correction: the person, the reason, the word and the changed records. */
export interface CorrectionFacts {
  /** A UUID that is always the same for the same correction. */
  readonly id: string;
  /** References of the withdrawn and the new records: `Condition/…`, or `urn:uuid:…` for a record in the same transaction. */
  readonly targets: readonly string[];
  readonly recorded: string;
  /** The account that decided. `value` is missing when the account was deleted. */
  readonly agent: { readonly value?: string; readonly display: string };
  readonly reason?: string;
  /** The id of the word in the inbox. The word itself is left out. */
  readonly term: string;
}

const USUAL_REASON = 'A person corrected the decision about the meaning of a word in a list.';

/** The Provenance of corrected records. In R4, a Provenance has no identifier. Write the Provenance with PUT. */
export function makeCorrectionProvenance(facts: CorrectionFacts): Provenance {
  const { agent } = facts;
  return {
    resourceType: 'Provenance',
    id: facts.id,
    target: facts.targets.map((reference) => ({ reference })),
    recorded: facts.recorded,
    reason: [{ text: facts.reason ?? USUAL_REASON }],
    activity: { coding: [{ system: `${TYPES}/v3-DataOperation`, code: 'UPDATE' }] },
    agent: [
      {
        type: { coding: [{ system: `${TYPES}/provenance-participant-type`, code: 'author' }] },
        who: {
          ...(agent.value === undefined
            ? {}
            : { identifier: { system: 'urn:radgate:account', value: agent.value } }),
          display: agent.display,
        },
      },
    ],
    entity: [{ role: 'source', what: { identifier: { system: 'urn:radgate:term', value: facts.term } } }],
  };
}
