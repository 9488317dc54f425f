import { IdentityMissing } from '../catalog/instance.facts.js';
import { NeighbourAway, UpstreamFailed } from '../problems/errors.js';
import { DicomUnreadable } from './header.unreadable.js';
import { type Failure, FAILURE } from './stow.outcome.js';
import { InstanceTooLarge } from './stow.transfer.js';

/** Which Failure Reason an error is for its instance; `undefined` when it ends the whole request. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof DicomUnreadable && error.reason === 'transfer-syntax') return FAILURE.transferSyntax;
  if (error instanceof DicomUnreadable || error instanceof IdentityMissing) return FAILURE.unreadable;
  if (error instanceof InstanceTooLarge) return FAILURE.outOfResources;
  if (error instanceof NeighbourAway) return undefined;
  if (!(error instanceof UpstreamFailed)) return undefined;
  if (error.status === 400) return FAILURE.unreadable;
  return error.status === 507 ? FAILURE.outOfResources : FAILURE.processing;
}
