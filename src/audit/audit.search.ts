import { Inject, Injectable } from '@nestjs/common';
import { and, asc, desc, eq, gte, lt, lte, or, type SQL, sql } from 'drizzle-orm';
import { DATABASE, type Database } from '../database/database.module.js';
import { audit } from '../database/schema.audit.js';

/** Conditions for audit rows. An undefined member is not a condition. `from` is inclusive, `to` is exclusive. */
export interface AuditFilter {
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  /** The id or the name of an account. The case of the name is ignored. */
  readonly account?: string | undefined;
  readonly issuer?: string | undefined;
  readonly patient?: string | undefined;
  readonly study?: string | undefined;
  /** The first characters of an action, such as `GET /dicom-web` or `read`. */
  readonly action?: string | undefined;
  readonly kind?: FoundRow['kind'] | undefined;
  /** A part of the account name or the action. Case is ignored. */
  readonly q?: string | undefined;
}

/** A stored audit row. */
export type FoundRow = typeof audit.$inferSelect;

const ORDERS = {
  at: [asc(audit.at), asc(audit.id)],
  '-at': [desc(audit.at), desc(audit.id)],
  account: [asc(audit.accountName), desc(audit.at), desc(audit.id)],
  '-account': [desc(audit.accountName), desc(audit.at), desc(audit.id)],
  action: [asc(audit.action), desc(audit.at), desc(audit.id)],
  '-action': [desc(audit.action), desc(audit.at), desc(audit.id)],
} as const;
export const AUDIT_ORDERS = ['at', '-at', 'account', '-account', 'action', '-action'] as const;
export type AuditOrder = (typeof AUDIT_ORDERS)[number];

const BATCH_ROWS = 1_000;

/** Searches the audit. */
@Injectable()
export class AuditSearch {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Returns a page of rows, and the number of all rows that match. */
  async page(
    filter: AuditFilter,
    { limit, offset, order }: { limit: number; offset: number; order: AuditOrder },
  ): Promise<{ items: FoundRow[]; total: number }> {
    const which = conditionOf(filter);
    const items = await this.database
      .select()
      .from(audit)
      .where(which)
      .orderBy(...ORDERS[order])
      .limit(limit)
      .offset(offset);
    return { items, total: await this.database.$count(audit, which) };
  }

  /**
   * Yields all matching rows that exist at the start of the call, newest first. Uses no database connection while it waits for a slow
   * client.
   */
  async *all(filter: AuditFilter): AsyncGenerator<FoundRow> {
    const which = conditionOf({ ...filter, to: filter.to ?? new Date() });
    let after: SQL | undefined;
    for (;;) {
      const rows = await this.database
        .select({ row: audit, exact: sql<string>`${audit.at}::text` })
        .from(audit)
        .where(and(which, after))
        .orderBy(...ORDERS['-at'])
        .limit(BATCH_ROWS);
      for (const { row } of rows) yield row;
      const last = rows.at(-1);
      if (last === undefined || rows.length < BATCH_ROWS) return;
      // PostgreSQL's text of the time has microseconds. A JavaScript Date has only milliseconds, so the comparison uses the text.
      after = and(
        lte(audit.at, sql`${last.exact}::timestamptz`),
        or(lt(audit.at, sql`${last.exact}::timestamptz`), lt(audit.id, last.row.id)),
      );
    }
  }
}

/** Returns the condition for the rows that match the filter. */
export function conditionOf({ from, to, account, issuer, patient, study, action, kind, q }: AuditFilter) {
  return and(
    from && gte(audit.at, from),
    to && lt(audit.at, to),
    account === undefined ? undefined : accountIs(account),
    issuer === undefined ? undefined : eq(audit.patientIssuer, issuer),
    patient === undefined ? undefined : eq(audit.patientId, patient),
    study === undefined ? undefined : eq(audit.studyUid, study),
    action === undefined ? undefined : sql`starts_with(${audit.action}, ${action})`,
    kind === undefined ? undefined : eq(audit.kind, kind),
    q === undefined || q === ''
      ? undefined
      : sql`strpos(lower(coalesce(${audit.accountName}, '') || ' ' || ${audit.action}), lower(${q})) > 0`,
  );
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function accountIs(account: string): SQL {
  return UUID.test(account)
    ? eq(audit.accountId, account)
    : sql`lower(${audit.accountName}) = lower(${account})`;
}
