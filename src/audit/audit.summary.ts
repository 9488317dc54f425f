import { Inject, Injectable } from '@nestjs/common';
import { gte, lt, sql, and } from 'drizzle-orm';
import { z } from 'zod';
import { DATABASE, type Database } from '../database/database.module.js';
import { audit } from '../database/schema.audit.js';
import { type AuditFilter, conditionOf } from './audit.search.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/** The longest window of a summary, and the window without `from`. */
const MAX_DAYS = 92;
const DEFAULT_DAYS = 30;
/** The accounts with the most entries are listed. */
const ACCOUNTS = 20;

const Count = z.int().min(0);
const Counted = z.object({
  accesses: Count.meta({
    description: 'Requests that were answered, and images that were opened.',
    examples: [412],
  }),
  refused: Count.meta({ description: 'Requests that were refused: 401, 403 and 404.', examples: [3] }),
});

/** The counts of the entries of a period: for each day (UTC), and for the accounts with the most entries. */
export const AuditSummary = z.object({
  from: z.iso
    .datetime()
    .meta({ description: 'The begin of the first day.', examples: ['2026-11-01T00:00:00.000Z'] }),
  to: z.iso
    .datetime()
    .meta({ description: 'The end of the last day.', examples: ['2026-12-01T00:00:00.000Z'] }),
  days: z
    .array(
      Counted.extend({
        day: z.iso.date().meta({ description: 'The day in UTC.', examples: ['2026-11-30'] }),
      }),
    )
    .readonly()
    .meta({ description: 'Each day of the period, also the days without entries.' }),
  accounts: z
    .array(
      Counted.extend({
        account: z
          .object({ id: z.uuid(), name: z.string() })
          .nullable()
          .meta({ description: 'The account, or null for requests without one.' }),
      }),
    )
    .readonly()
    .meta({ description: 'The accounts with the most entries, at most 20.' }),
});
export type AuditSummary = z.output<typeof AuditSummary>;

const Row = z.object({
  day: z.string().nullable(),
  id: z.string().nullable(),
  name: z.string().nullable(),
  accesses: z.coerce.number(),
  refused: z.coerce.number(),
});

/** A period of whole days in UTC. `to` is exclusive. */
interface AuditPeriod {
  readonly from: Date;
  readonly to: Date;
}

/**
 * The period from the begin of the day of `from` to the end of the day of `to`. Without `to`, it ends today. Without `from`, it has 30 days.
 * Returns `undefined` if it is empty or has more than 92 days.
 */
export function auditPeriod(
  from: Date | undefined,
  to: Date | undefined,
  now = new Date(),
): AuditPeriod | undefined {
  const end = Math.ceil((to ?? now).getTime() / DAY_MS) * DAY_MS;
  const begin =
    from === undefined ? end - DEFAULT_DAYS * DAY_MS : Math.floor(from.getTime() / DAY_MS) * DAY_MS;
  const days = (end - begin) / DAY_MS;
  return days < 1 || days > MAX_DAYS ? undefined : { from: new Date(begin), to: new Date(end) };
}

/** Counts audit rows. The primary key begins with the time, so one range of it is read. The statement timeout limits the cost. */
@Injectable()
export class AuditSummaries {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Counts the rows of the period that match the filter. A row with several requests counts them all. */
  async of({ from, to }: AuditPeriod, filter: Omit<AuditFilter, 'from' | 'to'>): Promise<AuditSummary> {
    const rows = z.array(Row).parse([
      ...(await this.database.execute(sql`
        with counted as (
          select (${audit.at} at time zone 'UTC')::date as day, ${audit.accountId} as id, max(${audit.accountName}) as name,
            count(*) filter (where ${audit.kind} = 'opened' or (${audit.kind} = 'answer' and coalesce(${audit.status}, 200) < 400)) as accesses,
            sum(coalesce(${audit.requests}, 1)) filter (
              where ${audit.kind} = 'refused' or (${audit.kind} = 'answer' and ${audit.status} in (401, 403, 404))) as refused
          from ${audit}
          where ${and(gte(audit.at, from), lt(audit.at, to), conditionOf(filter))}
          group by 1, 2)
        (select day::text, null as id, null as name, sum(accesses) as accesses, coalesce(sum(refused), 0) as refused
          from counted group by day)
        union all
        (select null, id::text, max(name), sum(accesses), coalesce(sum(refused), 0) from counted group by id
          having sum(accesses) > 0 or sum(refused) > 0
          order by sum(accesses) + coalesce(sum(refused), 0) desc, max(name) limit ${ACCOUNTS})`)),
    ]);
    const byDay = new Map(rows.flatMap((row) => (row.day === null ? [] : [[row.day, row] as const])));
    const days = Array.from({ length: (to.getTime() - from.getTime()) / DAY_MS }, (_, at) => {
      const day = new Date(from.getTime() + at * DAY_MS).toISOString().slice(0, 10);
      const { accesses = 0, refused = 0 } = byDay.get(day) ?? {};
      return { day, accesses, refused };
    });
    const accounts = rows
      .filter(({ day }) => day === null)
      .map(({ id, name, accesses, refused }) => ({
        account: id === null ? null : { id, name: name ?? '' },
        accesses,
        refused,
      }));
    return { from: from.toISOString(), to: to.toISOString(), days, accounts };
  }
}
