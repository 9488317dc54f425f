import { Inject, Injectable } from '@nestjs/common';
import { and, asc, desc, eq, type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Account } from '../../authn/account.js';
import { DATABASE, type Database } from '../../database/database.module.js';
import { accounts, withheldNames } from '../../database/schema.access.js';
import { audit } from '../../database/schema.audit.js';
import type { Page } from '../../http/list.query.js';

/**
 * One access to images of the caller's linked patient. `what` is study, series, instance, metadata, frames, rendered or bulk. `account` and
 * `name` are the user name and the display name. They are null if an administrator withholds the name. `is_own`: the caller opened the
 * images.
 */
export const ImageAccess = z.object({
  at: z.iso.datetime(),
  account: z.string().nullable(),
  name: z.string().nullable(),
  organisation: z.string(),
  is_own: z.boolean(),
  what: z.string(),
  study_uid: z.string().nullable(),
});
export type ImageAccess = z.output<typeof ImageAccess>;

/** A page of accesses. `q` is a part of a name that is not withheld. */
export interface AccessesQuery {
  readonly limit: number;
  readonly offset: number;
  readonly q?: string | undefined;
  readonly oldestFirst: boolean;
}

const isWithheld = sql<boolean>`(coalesce(${accounts.nameWithheld}, false) or ${withheldNames.accountId} is not null)`;

/** Who has opened the images of a patient, from the audit. */
@Injectable()
export class Accesses {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** The accesses to images of the account's linked patient. Without a linked patient, there are none. */
  async of({ id, patient }: Account, query: AccessesQuery): Promise<Page<ImageAccess>> {
    if (patient === undefined) return { items: [], total: 0 };
    const which = and(
      eq(audit.kind, 'opened'),
      eq(audit.patientIssuer, patient.issuer),
      eq(audit.patientId, patient.patientId),
      query.q === undefined || query.q === '' ? undefined : hasName(query.q),
    );
    const order = query.oldestFirst ? asc : desc;
    const found = await this.database
      .select({
        at: audit.at,
        accountId: audit.accountId,
        account: audit.accountName,
        name: accounts.displayName,
        organisation: sql<string>`coalesce(nullif(${accounts.organisation}, ''), ${accounts.institution}, '')`,
        isWithheld,
        action: audit.action,
        study: audit.studyUid,
      })
      .from(audit)
      .leftJoin(accounts, eq(accounts.id, audit.accountId))
      .leftJoin(withheldNames, eq(withheldNames.accountId, audit.accountId))
      .where(which)
      .orderBy(order(audit.at), order(audit.id))
      .limit(query.limit)
      .offset(query.offset);
    const [counted] = await this.database
      .select({ total: sql<number>`count(*)::int` })
      .from(audit)
      .leftJoin(accounts, eq(accounts.id, audit.accountId))
      .leftJoin(withheldNames, eq(withheldNames.accountId, audit.accountId))
      .where(which);
    const items = found.map(({ at, accountId, account, name, organisation, action, study, ...row }) => {
      const isOwn = accountId === id;
      const isNamed = isOwn || !row.isWithheld;
      return {
        at: at?.toISOString() ?? '',
        account: isNamed ? (account ?? '') : null,
        name: isNamed ? (name ?? '') : null,
        organisation,
        is_own: isOwn,
        what: action.replace(/^read /, ''),
        study_uid: study,
      };
    });
    return { items, total: counted?.total ?? 0 };
  }
}

/** A withheld name is not found, because a search by letters would reveal it. */
function hasName(part: string): SQL {
  const names = sql`lower(coalesce(${audit.accountName}, '') || ' ' || coalesce(${accounts.displayName}, ''))`;
  return sql`(not ${isWithheld} and strpos(${names}, lower(${part})) > 0)`;
}
