import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type postgres from 'postgres';
import { z } from 'zod';
import { BACKGROUND_POSTGRES } from '../database/database.module.js';
import { noteHandled } from '../problems/handled.errors.js';
import { verifyAudit } from './seal.verification.js';

const moment = z.iso.datetime({ offset: true });
const text = z.string().nullable();

/** A check of all seals of the audit. `fault` and `unsealed` are sentences about what is wrong. Both are null if nothing is wrong. */
export const AuditCheck = z.object({
  id: z.uuid(),
  state: z.enum(['requested', 'running', 'completed', 'failed']).meta({
    description: 'The state of the check. It failed if the database did not answer.',
    examples: ['completed'],
  }),
  requested_by: z
    .string()
    .meta({ description: 'The account that started the check.', examples: ['kim.lee'] }),
  requested_at: moment,
  started_at: moment.nullable(),
  finished_at: moment.nullable(),
  rows: z.int().meta({ description: 'The number of rows that are as they were sealed.', examples: [120400] }),
  position: text.meta({
    description: 'The position of the last checked seal, or null.',
    examples: ['120400'],
  }),
  hash: text.meta({
    description: 'The hash of the last checked seal, or null.',
    examples: ['9f86d081884c7d65…'],
  }),
  verified_until: moment.nullable().meta({
    description: 'The time of the last checked row, or null.',
    examples: ['2026-11-30T09:15:04.120Z'],
  }),
  late: z.array(z.string()).meta({
    description: 'Groups of rows that were sealed late: earlier changes of them cannot be detected.',
    examples: [[]],
  }),
  fault: text.meta({ description: 'The first row that differs from its seal, or null.', examples: [null] }),
  unsealed: text.meta({ description: 'The rows that have no seal, or null.', examples: [null] }),
});
export type AuditCheck = z.output<typeof AuditCheck>;

const LOOK_MS = 2_000;
/** A process owns a check for this time, and renews it while the check runs. */
const LIFE_SECONDS = 30;
const RENEW_MS = 5_000;
const MAX_TRIES = 3;
const MAX_LATE = 20;

/** Runs checks of the seals in the background, one at a time in all gateways. */
@Injectable()
export class AuditChecks implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('audit');
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private isStopping = false;

  constructor(@Inject(BACKGROUND_POSTGRES) private readonly sql: postgres.Sql) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.running ??= this.runNext()
        .catch((error: unknown) => noteHandled('audit check', error))
        .finally(() => (this.running = undefined));
    }, LOOK_MS).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.timer);
    await this.running;
  }

  /** Requests a check. Returns the new check, or the check that already waits or runs. `account`: the name of the account. */
  async request(account: string): Promise<AuditCheck> {
    await this.sql`insert into audit_checks (requested_by) values (${account}) on conflict do nothing`;
    const check = await this.latest();
    if (check === undefined) throw new Error('the requested check has no row');
    return check;
  }

  /** Returns the newest check, or `undefined` if there has been none. */
  async latest(): Promise<AuditCheck | undefined> {
    const rows = await this.sql`
      select to_jsonb(c) || jsonb_build_object('position', c.last_position::text, 'hash', c.last_hash, 'verified_until', c.last_at) as row
      from audit_checks c order by requested_at desc limit 1`;
    return rows[0] === undefined ? undefined : AuditCheck.parse(rows[0]['row']);
  }

  /** Runs a check that was requested, or that a crashed process has left. A check that was left too often has failed. */
  private async runNext(): Promise<void> {
    await this.sql`
      update audit_checks set state = 'failed', finished_at = clock_timestamp()
      where state = 'running' and held_until < clock_timestamp() and tries >= ${MAX_TRIES}`;
    const [row] = await this.sql<{ id: string; tries: number }[]>`
      update audit_checks set state = 'running', started_at = clock_timestamp(), tries = tries + 1, rows = 0,
        held_until = clock_timestamp() + make_interval(secs => ${LIFE_SECONDS})
      where state = 'requested' or (state = 'running' and held_until < clock_timestamp())
      returning id, tries`;
    if (row !== undefined) await this.run(row.id, row.tries);
  }

  /** Runs a check. `holder`: the number of the try. If another process has taken the check over, nothing is written. */
  private async run(id: string, holder: number): Promise<void> {
    let renewedAt = Date.now();
    const renew = async (rows: number) => {
      if (this.isStopping) throw new Error('the process stops');
      if (Date.now() - renewedAt < RENEW_MS) return;
      renewedAt = Date.now();
      await this.sql`
        update audit_checks set rows = ${rows}, held_until = clock_timestamp() + make_interval(secs => ${LIFE_SECONDS})
        where id = ${id} and tries = ${holder}`;
    };
    const { rows, last, late, fault, unsealed } = await verifyAudit(this.sql, undefined, renew);
    await this.sql`
      update audit_checks set state = 'completed', finished_at = clock_timestamp(), rows = ${rows},
        last_position = ${last?.position ?? null}, last_hash = ${last?.hash ?? null}, late = ${late.slice(0, MAX_LATE)},
        last_at = (select audit_at from audit_seals where position = ${last?.position ?? null}::bigint),
        fault = ${fault ?? null}, unsealed = ${unsealed ?? null}
      where id = ${id} and tries = ${holder}`;
    if (fault !== undefined) this.logger.error(`a check of the audit has found a fault: ${fault}`);
  }
}
