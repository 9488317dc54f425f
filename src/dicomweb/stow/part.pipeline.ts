import { Injectable } from '@nestjs/common';
import { PartAdmission } from './part.admission.js';
import { PartSettlement } from './part.settlement.js';
import type { PartTurn } from './part.state.js';
import { PartTransfer } from './part.transfer.js';
import { failureOf } from './stow.failures.js';
import type { Outcome, SopIdentity } from './stow.outcome.js';
import type { StowSender } from './stow.sender.js';

/** Stores one part in three steps: admit, transfer, settle. */
@Injectable()
export class PartPipeline {
  constructor(
    private readonly admission: PartAdmission,
    private readonly transfers: PartTransfer,
    private readonly settlement: PartSettlement,
  ) {}

  /**
   * Stores the instance in `body`. Its bytes are read once. Throws only when the sender disconnects or when Orthanc or
   * PostgreSQL is unreachable.
   */
  async store(body: AsyncIterable<Buffer>, sender: StowSender, turn: PartTurn): Promise<Outcome> {
    let instance: SopIdentity | undefined;
    try {
      const admitted = await this.admission.admit(body, sender, turn, (identity) => {
        instance = identity;
      });
      const transferred = await this.transfers.transfer(admitted, turn);
      return await this.settlement.settle(transferred, sender.storing.institution);
    } catch (error) {
      const failure = failureOf(error);
      if (failure === undefined) throw error;
      return { stored: false, instance, failure };
    }
  }
}
