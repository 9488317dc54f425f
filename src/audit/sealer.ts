import { createHash } from 'node:crypto';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type BeforeApplicationShutdown,
} from '@nestjs/common';
import type postgres from 'postgres';
import { BACKGROUND_POSTGRES } from '../database/database.module.js';

const EVERY_MS = 1_000;
const AT_ONCE = 1_000;
const NOTE_MS = 60 * 60 * 1000;
const SEALER_LOCK = 7_263_413;

interface Unsealed {
  readonly id: string;
  readonly xact: string;
  readonly at: string;
  readonly text: string;
}

/**
 * Chains the audit by hash (design.md, decision 8): SHA-256 over the hash before and the row as canonical JSON. Rows are taken in
 * the order of their transactions and only below the oldest one still open, so that no late commit can slip in behind the chain.
 */
@Injectable()
export class Sealer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('audit');
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private failing = false;
  private notedAt = 0;

  constructor(@Inject(BACKGROUND_POSTGRES) private readonly sql: postgres.Sql) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.running = this.running.then(() => this.seal());
    }, EVERY_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  private async seal(): Promise<void> {
    try {
      while ((await this.sealSome()) === AT_ONCE);
      this.failing = false;
    } catch {
      if (!this.failing) this.logger.warn('the audit cannot be sealed at the moment');
      this.failing = true;
    }
  }

  /** A log that is kept elsewhere holds the chain to what it was, also its end: `npm run audit:verify -- --expect`. */
  private note(position: string, hash: Buffer): void {
    if (Date.now() - this.notedAt < NOTE_MS) return;
    this.notedAt = Date.now();
    this.logger.log({ sealed: `${position}:${hash.toString('hex')}` });
  }

  /** One batch in one transaction; gateways take turns by a lock. Answers how many rows it sealed. */
  private async sealSome(): Promise<number> {
    return this.sql.begin(async (tx) => {
      const [lock] = await tx<{ held: boolean }[]>`select pg_try_advisory_xact_lock(${SEALER_LOCK}) as held`;
      if (lock?.held !== true) return 0;
      // The text of a row must not depend on the session.
      await tx`set local timezone to 'UTC'`;
      const [last] = await tx<{ id: string; xact: string; hash: Buffer }[]>`
        select audit_id as id, audit_xact::text as xact, hash from audit_seals order by position desc limit 1`;
      const rows = await tx<Unsealed[]>`
        select id, xact::text as xact, at::text as at, to_jsonb(audit)::text as text from audit
        where (xact, id) > (${last?.xact ?? '0'}::xid8, ${last?.id ?? '0'}::bigint)
          and xact < pg_snapshot_xmin(pg_current_snapshot())
        order by xact, id limit ${AT_ONCE}`;
      if (rows.length === 0) return 0;
      let hash = last?.hash ?? Buffer.alloc(0);
      const seals = rows.map(({ id, xact, at, text }) => {
        hash = createHash('sha256').update(hash).update(text).digest();
        return { audit_id: id, audit_xact: xact, audit_at: at, hash };
      });
      const made = await tx<
        { position: string }[]
      >`insert into audit_seals ${tx(seals)} returning position::text`;
      this.note(made.at(-1)?.position ?? '', hash);
      return rows.length;
    });
  }
}
