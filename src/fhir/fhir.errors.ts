import { NeighbourAway, Problem } from '../problems/errors.js';
import type { NamedEntry } from './named.entries.js';

/** The FHIR server rejected the request (400, 413, 422 …). It would reject the same request again. */
export class FhirRefused extends Problem {
  readonly code = 'internal-error';

  constructor(
    readonly status: number,
    /**
     * Codes of the OperationOutcome (`processing`, `invalid`, …). The texts of the OperationOutcome are not kept, because they can contain
     * patient data.
     */
    readonly codes: readonly string[],
    /** The entries of a transaction that the server named as the reason. */
    readonly named: readonly NamedEntry[] = [],
  ) {
    super(`the FHIR server rejected the request with ${status} (${codes.join(', ') || 'no code'})`);
  }
}

/**
 * Another client changed or deleted a resource of the transaction first (409, 412, 404, 410), or a condition fits several resources (412). The
 * caller must read the resources again before it decides about the write.
 */
export class FhirConflict extends Problem {
  readonly code = 'internal-error';

  constructor(
    readonly status: number,
    /** The entries of a transaction that the server named as the reason. */
    readonly named: readonly NamedEntry[] = [],
  ) {
    super(`the FHIR server reported a conflict (${status})`);
  }
}

/** A temporary failure: the server does not answer, is overloaded, or closed the connection. It is unknown whether a write took place. */
export class FhirAway extends NeighbourAway {
  constructor(
    readonly status?: number,
    readonly pauseMs?: number,
  ) {
    super('hapi');
  }

  /** Whether the server answered that it failed (500). One resource of a transaction can be the reason. */
  get isServerError(): boolean {
    return this.status === 500;
  }
}
