import { Inject, Injectable } from '@nestjs/common';
import { and, eq, gt, isNull, or, sql } from 'drizzle-orm';
import type { Account } from '../authn/account.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { grants, memberships } from '../database/schema.access.js';
import { Right } from './rights.js';
import type { Policy } from './policy.js';
import { Scope } from './scopes.js';

/** The columns of a grant. */
type GrantRow = Pick<
  typeof grants.$inferSelect,
  'rights' | 'scopeKind' | 'studyUid' | 'issuer' | 'patientId' | 'institution' | 'modality'
>;

/** Reads the grants of an account again for each request, so a change takes effect with the next request. */
@Injectable()
export class Policies {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** The current policy of an account, without expired grants. */
  async of(account: Pick<Account, 'id' | 'patient'>): Promise<Policy> {
    const rows = await this.database
      .select({
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
    return {
      accountId: account.id,
      patient: account.patient,
      grants: rows.map((row) => ({
        rights: row.rights.map((right) => Right.parse(right)),
        scope: scopeOf(row),
      })),
    };
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
