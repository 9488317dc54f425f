import { IdentityMissing } from '../../catalog/instance.facts.js';
import { NeighbourAway, UpstreamFailed } from '../../problems/errors.js';
import { DicomUnreadable, type HeaderFault } from '../../dicom/dicom.unreadable.js';
import { InstanceTooLarge } from './instance.bytes.js';

/**
 * Why an instance was not stored: Failure Reason (0008,1197) and Error Comment (0000,0902). The comment has the VR LO with at most 64
 * characters.
 */
export interface Failure {
  readonly reason: number;
  readonly comment: string;
}

/** Failure Reason (0008,1197) values (PS3.18 I.2.2, PS3.4 GG.4 and docs/conformance.md). */
const REASON = {
  processing: 0x0110,
  otherContent: 0x0111,
  sopClass: 0x0122,
  notPermitted: 0x0124,
  outOfResources: 0xa700,
  unreadable: 0xc000,
  transferSyntax: 0xc122,
} as const;

/** The failures that the gateway decides, without a thrown error. */
export const FAILURE = {
  otherStudy: { reason: REASON.processing, comment: 'The instance belongs to another study than the URL.' },
  identity: {
    reason: REASON.processing,
    comment: 'Contradicts the stored patient, study, series or instance.',
  },
  notCompleted: {
    reason: REASON.processing,
    comment: 'The storage was interrupted. Send the instance again.',
  },
  otherContent: {
    reason: REASON.otherContent,
    comment: 'Other content is stored under this SOP Instance UID.',
  },
  rejected: {
    reason: REASON.processing,
    comment: 'The instance is rejected. Ask for its restoration.',
  },
  sopClass: { reason: REASON.sopClass, comment: 'The SOP class is not a storage SOP class.' },
  // All causes have the same text, so that the text does not reveal what the account must not see.
  notPermitted: { reason: REASON.notPermitted, comment: 'This account may not store this instance.' },
} as const satisfies Record<string, Failure>;

/** Error Comments for a file that cannot be read. */
const UNREADABLE: Readonly<Record<HeaderFault, string>> = {
  deflate: 'The deflated data set cannot be inflated.',
  identity: 'The file meta information names another instance.',
  length: 'An element is longer than the data set or item that holds it.',
  meta: 'The file meta information is incomplete or inconsistent.',
  'not-dicom': 'Empty, or not a DICOM file: the DICM prefix is missing.',
  structure: 'The data set is not encoded as its transfer syntax says.',
  'too-deep': 'Sequences are nested too deep.',
  'too-large': 'The header, or a value in it, is larger than allowed.',
  'too-many': 'A sequence or data set has too many items or elements.',
  'transfer-syntax': 'This transfer syntax is not supported. Send another one.',
  truncated: 'The file ends inside its data set.',
};
/** The failures of instances that are too large, or for which the archive has no room. */
export const NO_SPACE = {
  tooLarge: { reason: REASON.outOfResources, comment: 'Too large, or sent too slowly for its size.' },
  archiveFull: { reason: REASON.outOfResources, comment: 'The archive has no room for this instance.' },
} as const satisfies Record<string, Failure>;
const NO_IDENTITY = 'A UID or the PatientID is missing, malformed or too long.';
const REFUSED = 'The archive cannot read this file.';
const NOT_STORED = 'The archive failed to store this instance. Send it again.';

/** Whether the file itself cannot be read. */
export function isUnreadable({ reason }: Failure): boolean {
  return reason === REASON.unreadable || reason === REASON.transferSyntax;
}

/** Whether the archive examined the instance and refused it. */
export function isRefusal(error: unknown): boolean {
  return error instanceof UpstreamFailed && error.status !== undefined && error.status < 500;
}

/** Converts an error to the failure of one instance. Returns `undefined` when the error ends the whole request. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof DicomUnreadable) {
    const reason = error.reason === 'transfer-syntax' ? REASON.transferSyntax : REASON.unreadable;
    return { reason, comment: UNREADABLE[error.reason] };
  }
  if (error instanceof IdentityMissing) return { reason: REASON.unreadable, comment: NO_IDENTITY };
  if (error instanceof InstanceTooLarge) return NO_SPACE.tooLarge;
  if (error instanceof NeighbourAway || !(error instanceof UpstreamFailed)) return undefined;
  if (error.status === 400) return { reason: REASON.unreadable, comment: REFUSED };
  if (error.status === 507) return NO_SPACE.archiveFull;
  return { reason: REASON.processing, comment: NOT_STORED };
}
