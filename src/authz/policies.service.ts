import { Inject, Injectable } from '@nestjs/common';
import { and, eq, gt, isNull, or, sql } from 'drizzle-orm';
import type { Account } from '../authn/account.js';
import { Changes } from '../database/changes.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { RecentReads } from '../database/recent.reads.js';
import { grants, memberships } from '../database/schema.access.js';
import { Right } from './rights.js';
import type { Policy } from './policy.js';
import { Scope } from './scopes.js';

/** The columns of a grant. */
type GrantRow = Pick<
  typeof grants.$inferSelect,
  'rights' | 'scopeKind' | 'studyUid' | 'issuer' | 'patientId' | 'institution' | 'modality'
>;

/** Largest number of policies in memory. */
const MAX_RECENT = 2_000;

type Facts = Pick<Account, 'id' | 'patient'>;

/** Reads the policies of accounts. */
@Injectable()
export class Policies {
  private readonly memory = new RecentReads<Policy>(MAX_RECENT);

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(Changes) changes: Pick<Changes, 'on'>,
  ) {
    changes.on(({ of }) => {
      if (of !== 'study') this.memory.clear();
    });
  }

  /** The current policy of an account, without expired grants. Reads the database each time. */
  async of(account: Facts): Promise<Policy> {
    return (await this.read(account)).policy;
  }

  /** The policy of an account that was valid in the last four seconds, or the current policy. */
  async recent(account: Facts): Promise<Policy> {
    const key = JSON.stringify([account.id, account.patient]);
    const found = this.memory.get(key);
    if (found !== undefined) return found;
    const keep = this.memory.begin();
    const { policy, validMs } = await this.read(account);
    keep(key, policy, validMs);
    return policy;
  }

  /** Also returns the time until the first grant expires, in milliseconds. */
  private async read(account: Facts): Promise<{ policy: Policy; validMs: number }> {
    const rows = await this.database
      .select({
        validMs: sql<number | null>`(extract(epoch from ${grants.until} - now()) * 1000)::float8`,
        rights: grants.rights,
        scopeKind: grants.scopeKind,
        studyUid: grants.studyUid,
        issuer: grants.issuer,
        patientId: grants.patientId,
        institution: grants.institution,
        modality: grants.modality,
      })
      .from(grants)
      .innerJoin(memberships, eq(memberships.groupId, grants.groupId))
      .where(
        and(eq(memberships.accountId, account.id), or(isNull(grants.until), gt(grants.until, sql`now()`))),
      );
    const policy = {
      accountId: account.id,
      patient: account.patient,
      grants: rows.map((row) => ({
        rights: row.rights.map((right) => Right.parse(right)),
        scope: scopeOf(row),
      })),
    };
    return { policy, validMs: Math.min(...rows.map(({ validMs }) => validMs ?? Number.POSITIVE_INFINITY)) };
  }
}

/** Converts the columns of a stored scope to a {@link Scope}. NULL columns are left out. */
export function scopeOf(row: GrantRow): Scope {
  const fields = {
    kind: row.scopeKind,
    study_uid: row.studyUid,
    issuer: row.issuer,
    patient_id: row.patientId,
    institution: row.institution,
    modality: row.modality,
  };
  return Scope.parse(Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)));
}
