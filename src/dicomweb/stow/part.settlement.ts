import { Injectable } from '@nestjs/common';
import { contentOf, isSameContent } from '../../catalog/file.content.js';
import type { InstanceFacts } from '../../catalog/instance.facts.js';
import type { KnownInstance, Reservation } from '../../catalog/reservation.rows.js';
import { Reservations } from '../../catalog/reservations.service.js';
import { OrthancApi } from '../../orthanc/orthanc.api.js';
import { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import type { OrthancId } from '../../orthanc/orthanc.id.js';
import { noteHandled } from '../../problems/handled.errors.js';
import { Ingest } from '../../sync/ingest.service.js';
import type { TransferredPart } from './part.state.js';
import { type Failure, FAILURE, isRefusal } from './stow.failures.js';
import { type Outcome, WARNING } from './stow.outcome.js';

type SentPart = Extract<TransferredPart, { state: 'sent' }>;

/** Step 3 of storing a part: inserts the instance into the catalog or releases its reservation, and returns the outcome. */
@Injectable()
export class PartSettlement {
  constructor(
    private readonly reservations: Reservations,
    private readonly ingest: Ingest,
    private readonly api: OrthancApi,
    private readonly bytes: OrthancBytes,
  ) {}

  /**
   * Returns the outcome of the part. `institution`: the institution of the sender, which replaces the institution in the header. Throws the
   * error of a failed transfer.
   */
  async settle(part: TransferredPart, institution: string | undefined): Promise<Outcome> {
    if (part.state === 'refused') return failed(part.facts, part.failure);
    if (part.state === 'compared') return this.compare(part);
    const { facts, reservation } = part;
    try {
      if (part.state === 'failed') throw part.error;
      const failure = await this.complete(part);
      return failure === undefined ? stored(facts, isCoerced(facts, institution)) : failed(facts, failure);
    } catch (error) {
      await this.release(reservation, part.state === 'sent' ? !isRefusal(error) : part.mayBeStored);
      throw error;
    } finally {
      part.stopRenewal();
    }
  }

  /**
   * Compares the part with the stored instance that has the same UIDs. Equal content is a success, and nothing is stored. Different content
   * is refused, and the stored instance does not change.
   */
  private async compare({
    facts,
    known,
    sha256,
  }: Extract<TransferredPart, { state: 'compared' }>): Promise<Outcome> {
    const isSame =
      known.transferSyntax === facts.transferSyntax && (await this.contentHash(known)).equals(sha256);
    return isSame ? stored(facts, false) : failed(facts, FAILURE.otherContent);
  }

  /**
   * The SHA-256 hash of a stored data set. For an instance that came by C-STORE, the file is read from the archive once, and the hash is
   * saved.
   */
  private async contentHash(known: KnownInstance): Promise<Buffer> {
    if (known.sha256 !== undefined) return known.sha256;
    const { sha256 } = await contentOf((await this.bytes.instanceFile(known.orthancId, undefined)).stream);
    await this.reservations.learnContent(known.id, sha256);
    return sha256;
  }

  private async complete(part: SentPart): Promise<Failure | undefined> {
    const { reservation, stored: archived, bytes } = part;
    if (!(await this.isSameAsArchived(part))) {
      await this.reservations.abandon(reservation);
      return FAILURE.otherContent;
    }
    if (await this.reservations.complete(reservation, { ...archived, ...bytes })) return undefined;
    if (archived.status === 'Success') await this.deleteOrphan(archived.id);
    return FAILURE.notCompleted;
  }

  /**
   * Whether the instance in Orthanc has the content of this part. If Orthanc already had an instance with these UIDs, the contents are
   * compared.
   */
  private async isSameAsArchived({ stored: archived, facts, bytes }: SentPart): Promise<boolean> {
    if (archived.status === 'Success') return true;
    const { stream } = await this.bytes.instanceFile(archived.id, undefined);
    const { transferSyntax } = facts;
    return isSameContent(await contentOf(stream), { transferSyntax, sha256: bytes.sha256 });
  }

  /**
   * Deletes an instance from the archive if it is not in the catalog. The sender got no confirmation for this instance, so the instance
   * must not appear later without an uploader.
   */
  private async deleteOrphan(id: OrthancId): Promise<void> {
    if ((await this.ingest.unknownOf([id])).length > 0) await this.api.deleteInstance(id);
  }

  /**
   * Ends the reservation after an error. If the archive can have the instance, the reservation expires now and still names the sender, so
   * that the watcher can insert the instance. An error in this method is only counted.
   */
  private async release(reservation: Reservation, mayBeStored: boolean): Promise<void> {
    try {
      if (mayBeStored) await this.reservations.expire(reservation);
      else await this.reservations.abandon(reservation);
    } catch (error) {
      noteHandled('reservation release', error);
    }
  }
}

/** Whether the institution in the catalog differs from the institution in the header. */
function isCoerced(facts: InstanceFacts, institution: string | undefined): boolean {
  return institution !== undefined && facts.institution !== '' && facts.institution !== institution;
}

function stored(instance: InstanceFacts, coerced: boolean): Outcome {
  return { stored: true, instance, warning: coerced ? WARNING.coerced : undefined };
}

function failed(instance: InstanceFacts, failure: Failure): Outcome {
  return { stored: false, instance, failure };
}
