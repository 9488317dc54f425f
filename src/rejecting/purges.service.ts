import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { AuditLog } from '../audit/audit.log.js';
import { withRetries } from '../catalog/retrying.js';
import { ENV } from '../config/config.module.js';
import { BACKGROUND_DATABASE, type Database } from '../database/database.module.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';
import { OrthancId } from '../orthanc/orthanc.id.js';
import { noteHandled } from '../problems/handled.errors.js';
import { auditFactsOf, GATEWAY, PurgeRequests } from './purge.requests.js';
import { HOLDS_LOCK, type PurgeFacts, purgeFactsOf, type PurgeSettings } from './purge.rules.js';

const POLL_MS = 2_000;
const DUE_MS = 60_000;
const PAGE = 200;
/** Number of instances that are removed between two checks of the holds. */
const REMOVED_TOGETHER = 20;
const CONCURRENCY = 4;

const Ids = z.array(z.object({ id: z.string() }));
const Instances = z.array(z.object({ id: z.coerce.number(), orthancId: OrthancId }));

/**
 * Removes the instances of decided purges from the archive, and then their rows. Every step can be repeated: after a crash, any gateway
 * continues. A row is removed only after Orthanc has removed the instance, so that no instance becomes visible.
 */
@Injectable()
export class Purges implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('purges');
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private searchedAt = 0;

  constructor(
    @Inject(ENV) private readonly settings: PurgeSettings,
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly api: OrthancApi,
    private readonly requests: PurgeRequests,
    private readonly audit: AuditLog,
  ) {}

  onApplicationBootstrap(): void {
    this.running = this.poll();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async poll(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        await this.decideDue();
        await this.carryOut();
      } catch (error) {
        if (!this.stopping.signal.aborted) noteHandled('purge', error);
      }
      await sleep(POLL_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  /** Decides the purge of rejections whose waiting time has ended. With two persons, people decide. */
  private async decideDue(): Promise<void> {
    if (this.settings.PURGE_TWO_PERSONS || Date.now() - this.searchedAt < DUE_MS) return;
    this.searchedAt = Date.now();
    let page: readonly string[] = [];
    do {
      // The pages follow the ids, because rejections under a hold or retention stay in the list.
      const rows = await this.database.execute(sql`
        select id from rejections where restored_at is null and purging_at is null
          and rejected_at <= clock_timestamp() - make_interval(days => ${this.settings.PURGE_AFTER_DAYS})
          and (${page.at(-1) ?? null}::uuid is null or id > ${page.at(-1) ?? null}::uuid)
          and exists (select from rejected_instances where rejection = rejections.id)
        order by id limit ${PAGE}`);
      page = Ids.parse([...rows]).map(({ id }) => id);
      for (const id of page) {
        this.stopping.signal.throwIfAborted();
        await this.requests.purgeIfDue(id);
      }
    } while (page.length === PAGE);
  }

  private async carryOut(): Promise<void> {
    const rows = await this.database.execute(sql`
      select id from rejections where purging_at is not null and restored_at is null
        and exists (select from rejected_instances where rejection = rejections.id)
      order by purging_at limit ${PAGE}`);
    for (const { id } of Ids.parse([...rows])) {
      while (await this.removeSome(id)) this.stopping.signal.throwIfAborted();
    }
  }

  /** Removes the next instances of a purge. Returns false if none is left, or if a hold has stopped the purge. */
  private async removeSome(id: string): Promise<boolean> {
    // A new hold waits until the instances of this page are removed. It therefore covers all that is left when its request is answered.
    const { facts, removed } = await this.database.transaction(async (tx) => {
      await tx.execute(sql`select pg_advisory_xact_lock_shared(${HOLDS_LOCK})`);
      const [found] = await purgeFactsOf(tx, [id]);
      if (found === undefined || found.purgingAt === null || found.isHeld)
        return { facts: found, removed: [] };
      const rows = await tx.execute(sql`
        select id, orthanc_id as "orthancId" from rejected_instances where rejection = ${id}::uuid
        order by id limit ${REMOVED_TOGETHER}`);
      const page = Instances.parse([...rows]);
      for (let at = 0; at < page.length; at += CONCURRENCY)
        await Promise.all(
          page.slice(at, at + CONCURRENCY).map(({ orthancId }) => this.api.deleteInstance(orthancId)),
        );
      return { facts: found, removed: page.map((row) => row.id) };
    });
    if (facts === undefined || facts.purgingAt === null) return false;
    if (facts.isHeld) {
      await this.stop(facts);
      return false;
    }
    await this.forget(facts, removed);
    return removed.length < facts.instances;
  }

  /** A hold that was made after the decision ends the purge. The remaining instances stay rejected. */
  private async stop(facts: PurgeFacts): Promise<void> {
    await this.database.transaction(async (tx) => {
      const stopped = await tx.execute(sql`
        update rejections set purging_at = null, purge_requested_by = null, purge_requested_at = null
        where id = ${facts.id}::uuid and purging_at is not null returning id`);
      if (stopped.length > 0)
        await this.audit.appendWithin(tx, {
          ...GATEWAY,
          ...auditFactsOf(facts),
          action: 'purge stopped by a hold',
        });
    });
    this.logger.warn('a purge was stopped, because a hold covers the study or its patient');
  }

  /** Removes the rows of removed instances. The audit row of the whole purge is committed with the last of them. */
  private async forget(facts: PurgeFacts, ids: readonly number[]): Promise<void> {
    await withRetries(() =>
      this.database.transaction(async (tx) => {
        await tx.execute(sql`select from studies where id = ${facts.study} for update`);
        const [row] = await tx.execute(
          sql`select drop_rejected(${facts.study}, ${sql.param(ids)}::bigint[]) as dropped`,
        );
        const left = await purgeFactsOf(tx, [facts.id]);
        if (row?.['dropped'] === 0 || left.length > 0) return;
        await this.audit.appendWithin(tx, {
          ...GATEWAY,
          ...auditFactsOf(facts),
          instances: ids.length,
          action: 'purge',
        });
      }),
    );
  }
}
