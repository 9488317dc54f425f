import { Injectable } from '@nestjs/common';
import { Reservations } from '../../catalog/reservations.service.js';
import { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import { UpstreamFailed } from '../../problems/errors.js';
import { hashToEnd, type TransferredBytes } from './instance.bytes.js';
import { sendInTurn } from './large.transfers.js';
import type { AdmittedPart, PartTurn, TransferredPart } from './part.state.js';
import { isRefusal } from './stow.failures.js';

/** Step 2 of storing a part: sends its bytes to the archive, and reads them to the end. The bytes of a known instance are only hashed. */
@Injectable()
export class PartTransfer {
  constructor(
    private readonly reservations: Reservations,
    private readonly bytes: OrthancBytes,
  ) {}

  /**
   * Throws only for a part without a reservation. For a reserved part, a failed transfer is returned as a state, so that `settle` can end
   * the reservation.
   */
  async transfer(part: AdmittedPart, turn: PartTurn): Promise<TransferredPart> {
    if (part.state === 'refused') return part;
    if (part.state === 'reserved') return this.send(part, turn);
    const { facts, known } = part;
    const { sha256 } = await hashToEnd(part.content);
    return { state: 'compared', facts, known, sha256 };
  }

  private async send(
    { facts, content, reservation }: Extract<AdmittedPart, { state: 'reserved' }>,
    { bytesRead, signal }: PartTurn,
  ): Promise<TransferredPart> {
    const held = { facts, reservation, stopRenewal: this.reservations.keep(reservation) };
    // The reservation of a small instance already has its hash.
    let read = content.whole;
    const atEnd = async (all: TransferredBytes) => {
      bytesRead();
      if (content.whole === undefined) await this.reservations.noteContent(reservation, all.sha256);
      read = all;
    };
    try {
      const sender = { account: reservation.by.accountId, signal };
      const stored = await sendInTurn(content, sender, atEnd, (body, isLastTry) =>
        this.bytes.storeInstance(body, isLastTry),
      );
      // The archive answered before it received all bytes.
      if (read === undefined) throw new UpstreamFailed('store');
      return { ...held, state: 'sent', stored, bytes: read };
    } catch (error) {
      return { ...held, state: 'failed', error, mayBeStored: read !== undefined && !isRefusal(error) };
    }
  }
}
