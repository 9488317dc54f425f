import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { and, eq, isNotNull, isNull, max, not, type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { accounts } from '../database/schema.access.js';
import { instances } from '../database/schema.catalog.js';

/** The state of a machine account as a sender. Times are in ISO 8601. */
export const Sender = z.object({
  last_instance_at: z.iso
    .datetime()
    .nullable()
    .describe('When its newest existing instance was stored; null: it has none.'),
  silent: z
    .boolean()
    .nullable()
    .describe(
      'Whether that is longer ago than silent_after_minutes; null when silent_after_minutes is not set.',
    ),
  store_command: z.string().describe('A command that stores one file. Replace rgk_… by a key.'),
});
export type Sender = z.output<typeof Sender>;

const CHECK_MS = 15_000;
const newest = sql`(select max(${instances.storedAt}) from ${instances} where ${instances.storedBy} = ${accounts.id})`;
/**
 * An SQL expression that is true when a machine account is silent. It is NULL when the account has no silence limit. For an account without
 * instances, the time since its creation counts.
 */
export const isSilent: SQL<boolean> = sql<boolean>`(coalesce(${newest}, ${accounts.createdAt})
  < now() - make_interval(mins => ${accounts.silentAfterMinutes}))`;
const isWatched = and(isNotNull(accounts.silentAfterMinutes), eq(accounts.disabled, false));

/**
 * Logs when a sender becomes silent and when it is no longer silent. Only one gateway logs each change. The API shows the state of a sender
 * with its machine account.
 */
@Injectable()
export class Senders implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('senders');
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(ENV) private readonly env: Pick<Env, 'PUBLIC_URL'>,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.check(), CHECK_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** The state of one machine account. */
  async of(accountId: string): Promise<Sender> {
    const [row] = await this.database
      .select({ silent: isSilent, after: accounts.silentAfterMinutes })
      .from(accounts)
      .where(eq(accounts.id, accountId));
    const [seen] = await this.database
      .select({ at: max(instances.storedAt) })
      .from(instances)
      .where(eq(instances.storedBy, accountId));
    return {
      last_instance_at: seen?.at?.toISOString() ?? null,
      silent: row === undefined || row.after === null ? null : row.silent,
      store_command: [
        'curl --fail-with-body',
        `-H 'Authorization: Bearer rgk_…'`,
        `-H 'Content-Type: application/dicom'`,
        `--data-binary @image.dcm '${this.env.PUBLIC_URL}/dicom-web/studies'`,
      ].join(' '),
    };
  }

  /** Updates the silent state of all senders. Only the gateway whose statement updates a row logs the change. */
  private async check(): Promise<void> {
    try {
      const silent = await this.database
        .update(accounts)
        .set({ silentSince: sql`now()` })
        .where(and(isWatched, isNull(accounts.silentSince), isSilent))
        .returning({ account: accounts.id, after: accounts.silentAfterMinutes });
      for (const { account, after } of silent)
        this.logger.warn({ event: 'sender silent', account, after_minutes: after });
      const back = await this.database
        .update(accounts)
        .set({ silentSince: null })
        .where(and(isNotNull(accounts.silentSince), not(sql`(${isWatched} and ${isSilent})`)))
        .returning({ account: accounts.id });
      for (const { account } of back) this.logger.log({ event: 'sender no longer silent', account });
    } catch (error) {
      // If PostgreSQL is unreachable, the next check logs the changes.
      this.logger.warn(`senders could not be checked: ${error instanceof Error ? error.name : 'error'}`);
    }
  }
}
