import { Inject, Injectable } from '@nestjs/common';
import { eq, sql } from 'drizzle-orm';
import { type Actor, AuditLog } from '../audit/audit.log.js';
import type { Policy } from '../authz/policy.js';
import { withRetries } from '../catalog/retrying.js';
import { ENV } from '../config/config.module.js';
import { DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { rejections } from '../database/schema.catalog.js';
import { Conflict, NotVisible } from '../problems/errors.js';
import {
  type PurgeBlock,
  purgeBlockOf,
  type PurgeFacts,
  purgeFactsOf,
  type PurgeSettings,
} from './purge.rules.js';
import { lockStudyOf } from './rejections.service.js';

/** `requested`: another account must confirm the purge. `purging`: the gateways remove the instances from the archive. */
export type PurgeState = 'requested' | 'purging';

const BLOCKED: Readonly<Record<PurgeBlock, string>> = {
  'purge-not-due': 'The waiting time after the rejection (PURGE_AFTER_DAYS) has not ended.',
  'purge-on-hold':
    'A legal hold covers the study or its patient. Nothing of it can be purged until the hold is released.',
  'purge-under-retention': 'The retention time of the study (RETENTION_YEARS) has not ended.',
};

/** Requests, confirms and decides purges. Each decision is committed with its audit row before the archive changes. */
@Injectable()
export class PurgeRequests {
  constructor(
    @Inject(ENV) private readonly settings: PurgeSettings,
    @Inject(DATABASE) private readonly database: Database,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Purges a rejection, or requests its purge if a second account must confirm it. A repeated request changes nothing. Throws `NotVisible` if
   * the rejection is unknown, restored or out of scope, and `Conflict` if it cannot be purged now.
   */
  purge(policy: Policy, actor: Actor, id: string): Promise<{ state: PurgeState; facts: PurgeFacts }> {
    return withRetries(() =>
      this.database.transaction(async (tx) => {
        await lockStudyOf(tx, policy, id);
        const [facts] = await purgeFactsOf(tx, [id]);
        if (facts === undefined) throw new NotVisible();
        if (facts.purgingAt !== null) return { state: 'purging', facts };
        const block = purgeBlockOf(facts, this.settings);
        if (block !== undefined) throw new Conflict(block, BLOCKED[block]);
        const isFirst = facts.requestedBy === null || facts.requestedBy === actor.accountId;
        if (!this.settings.PURGE_TWO_PERSONS || !isFirst) {
          await this.begin(tx, facts, actor);
          return { state: 'purging', facts };
        }
        if (facts.requestedBy === null) await this.request(tx, facts, actor);
        return { state: 'requested', facts };
      }),
    );
  }

  /** Decides the purge of a rejection whose waiting time has ended, unless a rule forbids it. Must not be used with two persons. */
  async purgeIfDue(id: string): Promise<void> {
    await withRetries(() =>
      this.database.transaction(async (tx) => {
        await tx.execute(sql`
          select from studies where id = (select study from rejections where id = ${id}::uuid) for update`);
        const [facts] = await purgeFactsOf(tx, [id]);
        if (facts === undefined || facts.purgingAt !== null) return;
        if (purgeBlockOf(facts, this.settings) === undefined) await this.begin(tx, facts, GATEWAY);
      }),
    );
  }

  private async request(tx: Transaction, facts: PurgeFacts, actor: Actor): Promise<void> {
    await tx
      .update(rejections)
      .set({ purgeRequestedBy: actor.accountId, purgeRequestedAt: sql`clock_timestamp()` })
      .where(eq(rejections.id, facts.id));
    await this.audit.appendWithin(tx, { ...actor, ...auditFactsOf(facts), action: 'purge requested' });
  }

  private async begin(tx: Transaction, facts: PurgeFacts, actor: Actor | typeof GATEWAY): Promise<void> {
    await tx
      .update(rejections)
      .set({ purgingAt: sql`clock_timestamp()` })
      .where(eq(rejections.id, facts.id));
    await this.audit.appendWithin(tx, { ...actor, ...auditFactsOf(facts), action: 'purge begins' });
  }
}

/** What the audit names instead of an account and an address, if no account has requested the purge. */
export const GATEWAY = { address: 'gateway' } as const;

/** The facts about a rejection for the audit. */
export function auditFactsOf({ id, studyUid, patientIssuer, patientId, instances, requestedBy }: PurgeFacts) {
  const detail = { rejection: id, requested_by: requestedBy };
  return { studyUid, patientIssuer, patientId, instances, kind: 'answer' as const, detail };
}
