import { Inject, Injectable } from '@nestjs/common';
import { and, eq, lt, sql } from 'drizzle-orm';
import { z } from 'zod';
import { Flag, ListQuery } from '../http/query.pipe.js';
import { scopeOf } from '../authz/policies.service.js';
import { isScoped, Right } from '../authz/rights.js';
import { Scope, ScopeKind } from '../authz/scopes.js';
import type { AuditNote } from '../audit/audit.note.js';
import { type AuditedAction, AuditedActions } from '../audit/audited.actions.js';
import { DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { grants, memberships } from '../database/schema.access.js';
import { NotVisible } from '../problems/errors.js';
import { refuseStale } from './entity.tags.js';
import { Moment } from './fields.js';
import { Groups } from './groups.service.js';
import { LastAdministrator } from './last.administrator.js';
import { is, isPast, matching, orderOf, type Page } from '../http/list.query.js';
import { isGone } from './refused.by.postgres.js';

/** A grant gives a group rights over a scope until a date (ISO 8601). If the date is null, the grant has no end. */
export const Grant = z.object({
  id: z.uuid(),
  rights: z.array(Right).readonly(),
  scope: Scope,
  until: z.iso.datetime().nullable(),
});
export type Grant = z.output<typeof Grant>;

/** A new grant. Rights that do not begin with `studies:` allow only the scope `all`. */
export const NewGrant = z
  .strictObject({
    rights: z
      .array(Right)
      .min(1)
      .max(64)
      .transform((rights) => [...new Set(rights)]),
    scope: Scope,
    until: Moment.nullable().default(null),
  })
  .refine(({ rights, scope }) => scope.kind === 'all' || rights.every(isScoped), {
    path: ['scope'],
    message:
      'Rights that do not begin with studies: are allowed only with the scope "all". Use that scope, or other rights.',
  });
export type NewGrant = z.output<typeof NewGrant>;

type Row = typeof grants.$inferSelect;
/** Filters for grants: a right, a kind of scope, whether the grant is expired, and a time before which the grant ends. */
export const GrantsQuery = ListQuery.extend({
  right: Right.optional(),
  scope: ScopeKind.optional(),
  expired: Flag.optional(),
  until_before: Moment.optional(),
});
export type GrantsQuery = z.output<typeof GrantsQuery>;

const SORTABLE = [
  ['created_at', grants.createdAt],
  ['until', grants.until],
  ['scope', grants.scopeKind],
] as const;

/** Lists, adds and removes the grants of groups. Methods throw NotVisible for a missing group or grant. */
@Injectable()
export class Grants {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly auditedActions: AuditedActions,
    private readonly groups: Groups,
    private readonly lastAdministrator: LastAdministrator,
  ) {}

  async list(groupId: string, query: GrantsQuery): Promise<Page<Grant>> {
    await this.groups.get(groupId);
    const words = [grants.scopeKind, grants.studyUid, grants.patientId, grants.institution, grants.modality];
    const { right, until_before: before } = query;
    const which = and(
      eq(grants.groupId, groupId),
      matching(query, ...words),
      right === undefined ? undefined : sql`${right} = any (${grants.rights})`,
      is(grants.scopeKind, query.scope),
      isPast(grants.until, query.expired),
      before === undefined ? undefined : lt(grants.until, before),
    );
    const rows = await this.database
      .select()
      .from(grants)
      .where(which)
      .orderBy(...orderOf(query, SORTABLE, grants.id))
      .limit(query.limit)
      .offset(query.offset);
    return { items: rows.map(grantOf), total: await this.database.$count(grants, which) };
  }

  async get(groupId: string, id: string): Promise<Grant> {
    const [row] = await this.database
      .select()
      .from(grants)
      .where(and(eq(grants.groupId, groupId), eq(grants.id, id)));
    if (row === undefined) throw new NotVisible();
    return grantOf(row);
  }

  /** Adds a grant. The grant is effective from the next request of each member. */
  async create(action: AuditedAction, groupId: string, { rights, scope, until }: NewGrant): Promise<Grant> {
    await this.groups.get(groupId);
    return this.auditedActions.record(action, 201, async (transaction) => {
      const [row] = await transaction
        .insert(grants)
        .values({ groupId, rights, until, ...columnsOf(scope) })
        .returning()
        .catch((error: unknown) => {
          throw isGone(error) ? new NotVisible() : error;
        });
      if (row === undefined) throw new NotVisible();
      const grant = grantOf(row);
      const to_self = await isMember(transaction, groupId, action.accountId);
      action.addFacts({ ...scopeNoteOf(grant), detail: { ...grant, to_self } });
      return grant;
    });
  }

  /** Removes a grant. The change is effective from the next request of each member. Throws Stale when If-Match does not match. */
  async remove(action: AuditedAction, groupId: string, id: string): Promise<void> {
    await this.auditedActions.record(action, 204, (transaction) =>
      this.lastAdministrator.guard(transaction, async () => {
        const [row] = await transaction
          .delete(grants)
          .where(and(eq(grants.groupId, groupId), eq(grants.id, id)))
          .returning();
        if (row === undefined) throw new NotVisible();
        const grant = grantOf(row);
        refuseStale(action, grant);
        action.addFacts({ ...scopeNoteOf(grant), detail: { ...grant } });
      }),
    );
  }
}

async function isMember(transaction: Transaction, groupId: string, accountId: string): Promise<boolean> {
  const rows = await transaction
    .select({ groupId: memberships.groupId })
    .from(memberships)
    .where(and(eq(memberships.groupId, groupId), eq(memberships.accountId, accountId)));
  return rows.length > 0;
}

/** The study or patient in the scope of a grant, for an audit row about the grant. */
export function scopeNoteOf({ scope }: Pick<Grant, 'scope'>): AuditNote {
  if (scope.kind === 'study') return { studyUid: scope.study_uid };
  if (scope.kind === 'patient') return { patientIssuer: scope.issuer, patientId: scope.patient_id };
  return {};
}

function columnsOf(scope: Scope): Pick<typeof grants.$inferInsert, 'scopeKind'> & Partial<Row> {
  switch (scope.kind) {
    case 'all':
    case 'own-patient':
    case 'own-uploads':
      return { scopeKind: scope.kind };
    case 'study':
      return { scopeKind: scope.kind, studyUid: scope.study_uid };
    case 'patient':
      return { scopeKind: scope.kind, issuer: scope.issuer, patientId: scope.patient_id };
    case 'institution':
      return { scopeKind: scope.kind, institution: scope.institution };
    case 'modality':
      return { scopeKind: scope.kind, modality: scope.modality };
  }
}

/** A stored grant, as the API shows it. */
export function grantOf(row: Row): Grant {
  return {
    id: row.id,
    rights: row.rights.map((right) => Right.parse(right)),
    scope: scopeOf(row),
    until: row.until?.toISOString() ?? null,
  };
}
