import { Inject, Injectable } from '@nestjs/common';
import { Reservations } from '../../catalog/reservations.service.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import { UpstreamFailed } from '../../problems/errors.js';
import { type BytesPolicy, hashToEnd, passOn, type TransferredBytes } from './instance.bytes.js';
import { sendInTurn } from './large.transfers.js';
import type { AdmittedPart, PartTurn, TransferredPart } from './part.state.js';
import { isRefusal } from './stow.failures.js';

/** Step 2 of storing a part: reads its bytes to the end and sends them to the archive. The bytes of a known instance are only hashed. */
@Injectable()
export class PartTransfer {
  constructor(
    @Inject(ENV) private readonly env: Env,
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
    const { sha256 } = await hashToEnd(part.file, this.policy());
    return { state: 'compared', facts, known, sha256 };
  }

  private async send(
    { facts, file, reservation }: Extract<AdmittedPart, { state: 'reserved' }>,
    { bytesRead, signal }: PartTurn,
  ): Promise<TransferredPart> {
    const held = { facts, reservation, stopRenewal: this.reservations.keep(reservation) };
    let read: TransferredBytes | undefined;
    try {
      const bytes = passOn(file, this.policy(), async (all) => {
        bytesRead();
        await this.reservations.noteContent(reservation, all.sha256);
        read = all;
      });
      const sender = { account: reservation.by.accountId, inflated: file.inflated, signal };
      const stored = await sendInTurn(bytes, sender, (body) => this.bytes.storeInstance(body));
      // The archive answered before it received all bytes.
      if (read === undefined) throw new UpstreamFailed('store');
      return { ...held, state: 'sent', stored, bytes: read };
    } catch (error) {
      return { ...held, state: 'failed', error, mayBeStored: read !== undefined && !isRefusal(error) };
    }
  }

  private policy(): BytesPolicy {
    return { maxBytes: this.env.MAX_INSTANCE_BYTES, keepsTiffPreamble: this.env.KEEP_TIFF_PREAMBLE };
  }
}
