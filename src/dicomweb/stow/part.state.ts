import type { InstanceFacts } from '../../catalog/instance.facts.js';
import type { KnownInstance, Reservation } from '../../catalog/reservation.rows.js';
import type { StoredInstance } from '../../orthanc/orthanc.bytes.js';
import type { Failure } from './stow.failures.js';
import type { InstanceBytes, TransferredBytes } from './instance.bytes.js';

/** A part that is not stored. */
interface RefusedPart {
  readonly state: 'refused';
  readonly facts: InstanceFacts;
  readonly failure: Failure;
}

/** A part after `admit`. Its header has been read, and all its bytes if it is small. */
export type AdmittedPart =
  | RefusedPart
  /** The catalog has an instance with these UIDs. Only a comparison of the contents shows whether the part is a copy of this instance. */
  | {
      readonly state: 'known';
      readonly facts: InstanceFacts;
      readonly content: InstanceBytes;
      readonly known: KnownInstance;
    }
  /** The UIDs are reserved for this sender. */
  | {
      readonly state: 'reserved';
      readonly facts: InstanceFacts;
      readonly content: InstanceBytes;
      readonly reservation: Reservation;
    };

/** A reservation that `settle` must end. */
interface HeldReservation {
  readonly facts: InstanceFacts;
  readonly reservation: Reservation;
  /** Stops the renewal of the reservation. */
  readonly stopRenewal: () => void;
}

/** A part after `transfer`. All its bytes have been read, unless the part was refused or its transfer failed. */
export type TransferredPart =
  | RefusedPart
  /** The content was hashed, not sent. */
  | {
      readonly state: 'compared';
      readonly facts: InstanceFacts;
      readonly known: KnownInstance;
      readonly sha256: Buffer;
    }
  /** The archive has the instance. */
  | (HeldReservation & {
      readonly state: 'sent';
      readonly stored: StoredInstance;
      readonly bytes: TransferredBytes;
    })
  /** The transfer failed. `mayBeStored`: whether the archive can have the instance in spite of the failure. */
  | (HeldReservation & {
      readonly state: 'failed';
      readonly error: unknown;
      readonly mayBeStored: boolean;
    });

/** The context of a part: its request and the other parts of the request. */
export interface PartTurn {
  /** The only study in which the request may store. `undefined` for any study. */
  readonly study: string | undefined;
  /** Must be called when the last byte of the part has been read. The next part is then read, even if the archive has not answered yet. */
  readonly bytesRead: () => void;
  /** Resolves when all earlier parts are settled, with success or failure. */
  readonly earlierSettled: () => Promise<unknown>;
  /** Aborts when the sender closes its connection. */
  readonly signal: AbortSignal;
}
