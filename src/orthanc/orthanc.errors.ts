import { NeighbourAway, UpstreamFailed } from '../problems/errors.js';

/** The archive says that it does not hold what the catalog names. */
export class NotInArchive extends UpstreamFailed {
  constructor(what: string) {
    super(what, 404);
  }
}

/** How often the archive was away, or failed at what it was asked, since the process began. What it does not hold is no error. */
export const archiveFailures = { failed: 0 };

/** Which of our problems a status of Orthanc is; `undefined` when it is a success. */
export function problemOfStatus(what: string, status: number): UpstreamFailed | NeighbourAway | undefined {
  if (status >= 200 && status < 300) return undefined;
  if (status === 404) return new NotInArchive(what);
  archiveFailures.failed += 1;
  if (status === 502 || status === 503 || status === 504) return new NeighbourAway('orthanc');
  return new UpstreamFailed(what, status);
}
