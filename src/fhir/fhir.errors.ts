import { Problem } from '../problems/errors.js';

/** The FHIR server rejected the request (400, 404, 410, 413, 422 …). It would reject the same request again. */
export class FhirRefused extends Problem {
  readonly code = 'internal-error';

  constructor(
    readonly status: number,
    /**
     * Codes of the OperationOutcome (`processing`, `invalid`, …). The texts of the OperationOutcome are not kept, because they can contain
     * patient data.
     */
    readonly codes: readonly string[],
  ) {
    super(`the FHIR server rejected the request with ${status} (${codes.join(', ') || 'no code'})`);
  }
}

/** Another client changed the resource first (409, 412). The caller must read the resource again before it decides about the write. */
export class FhirConflict extends Problem {
  readonly code = 'internal-error';

  constructor(readonly status: number) {
    super(`the FHIR server reported a conflict (${status})`);
  }
}
