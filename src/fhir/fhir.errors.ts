import { Problem } from '../problems/errors.js';

/** The server understood the request and refused it (400, 404, 410, 413, 422 …): the same again would be refused again. */
export class FhirRefused extends Problem {
  readonly code = 'internal-error';

  constructor(
    readonly status: number,
    /** Codes of the OperationOutcome (`processing`, `invalid`, …); its texts may quote a patient and are not kept. */
    readonly codes: readonly string[],
  ) {
    super(`the FHIR server refused with ${status} (${codes.join(', ') || 'no code'})`);
  }
}

/** Somebody else was faster (409, 412): look up and plan again. */
export class FhirConflict extends Problem {
  readonly code = 'internal-error';

  constructor(readonly status: number) {
    super(`the FHIR server saw a conflict (${status})`);
  }
}
