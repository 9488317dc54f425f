import { NeighbourAway, UpstreamFailed } from '../problems/errors.js';

/** Orthanc does not have a resource that the catalog lists. */
export class NotInArchive extends UpstreamFailed {
  constructor(call: string) {
    super(call, 404);
  }
}

/** Number of failed calls to Orthanc since the start of the process. An answer that a resource is missing is not a failure. */
export const archiveFailures = { failed: 0 };

/** Returns the error for a status code of Orthanc. `undefined` for success. */
export function problemOfStatus(call: string, status: number): UpstreamFailed | NeighbourAway | undefined {
  if (status >= 200 && status < 300) return undefined;
  if (status === 404) return new NotInArchive(call);
  archiveFailures.failed += 1;
  if (status === 502 || status === 503 || status === 504) return new NeighbourAway('orthanc');
  return new UpstreamFailed(call, status);
}
