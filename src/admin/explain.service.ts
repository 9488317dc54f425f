import { Inject, Injectable } from '@nestjs/common';
import { and, asc, eq, or, sql } from 'drizzle-orm';
import { z } from 'zod';
import { allows, type StudyFacts } from '../authz/policy.js';
import { Right } from '../authz/rights.js';
import type { Scope } from '../authz/scopes.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { accounts, grants, groups, memberships } from '../database/schema.access.js';
import { patients, studies } from '../database/schema.catalog.js';
import { NotVisible } from '../problems/errors.js';
import { Grant, grantOf } from './grants.service.js';
import { asNew, isOpenUntilArrival, ruleOfNew } from './new.study.rules.js';

/** The first missing condition. The conditions are in the order in which an administrator would satisfy them. */
const Missing = z.enum([
  'account_enabled',
  'study_in_catalog',
  'group',
  'grant_of_right',
  'grant_in_time',
  'scope_over_study',
]);
export type Missing = z.output<typeof Missing>;

/** A grant of a group, and the reason why the grant does or does not allow the action. */
const Considered = z.object({
  group: z.object({ id: z.uuid(), name: z.string() }),
  grant: Grant,
  rule: z.string(),
});
type Considered = z.output<typeof Considered>;

/**
 * The reason why an account may or may not use a right over a study. If the account has the right, `decided_by` lists the deciding grants.
 * Otherwise `missing` names the missing condition.
 */
export const Explanation = z.object({
  user: z.object({ id: z.uuid(), username: z.string() }),
  study: z.string(),
  right: Right,
  allowed: z.boolean(),
  missing: Missing.nullable(),
  decided_by: z.array(Considered).readonly(),
  not_decided_by: z.array(Considered).readonly(),
});
export type Explanation = z.output<typeof Explanation>;

type AccountRow = typeof accounts.$inferSelect;

/** Explains why an account has or does not have a right over a study. */
@Injectable()
export class Explanations {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Explains the decision about one right of an account over a study. `user` is an id, a username or the name of a machine account. Throws
   * NotVisible when the account does not exist. A study that does not exist is a missing condition. The right `studies:store` is an
   * exception: a study that does not exist is treated as a new study. If only the first instance can decide, `missing` is
   * `study_in_catalog`.
   */
  async explain(user: string, study: string, right: Right): Promise<Explanation> {
    const account = await this.account(user);
    const existing = await this.facts(study);
    const isNew = existing === undefined && right === 'studies:store';
    const facts = isNew ? asNew(study, account) : existing;
    const held = await this.held(account.id);
    const ofRight = held.filter(({ grant }) => grant.rights.includes(right));
    const inTime = ofRight.filter(
      ({ grant }) => grant.until === null || Date.parse(grant.until) > Date.now(),
    );
    const covering = facts === undefined ? [] : inTime.filter(({ grant }) => covers(account, grant, facts));
    const isUndecided = isNew && inTime.some(({ grant }) => isOpenUntilArrival(account, grant.scope));
    const rule = ({ scope }: Grant, covering: boolean) =>
      isNew ? ruleOfNew(account, scope, covering) : ruleOf(scope, covering);
    const missing = firstMissing([
      ['account_enabled', !account.disabled],
      ['study_in_catalog', facts !== undefined],
      ['group', await this.isMember(account.id)],
      ['grant_of_right', ofRight.length > 0],
      ['grant_in_time', inTime.length > 0],
      // No grant covers the new study yet, but a grant can cover the study after its first instance has arrived.
      ['study_in_catalog', covering.length > 0 || !isUndecided],
      ['scope_over_study', covering.length > 0],
    ]);
    return {
      user: { id: account.id, username: account.name },
      study,
      right,
      allowed: missing === null,
      missing,
      decided_by: covering.map(({ group, grant }) => ({ group, grant, rule: rule(grant, true) })),
      not_decided_by: ofRight
        .filter((one) => !covering.includes(one))
        .map((one) => {
          const { group, grant } = one;
          const reason = inTime.includes(one) ? rule(grant, false) : 'The grant has ended.';
          return { group, grant, rule: reason };
        }),
    };
  }

  private async account(user: string): Promise<AccountRow> {
    const [row] = await this.database
      .select()
      .from(accounts)
      .where(or(sql`${accounts.id}::text = lower(${user})`, sql`lower(${accounts.name}) = lower(${user})`))
      // A name can equal the id of another account. The account with this id then comes first. A person and a machine account can have the
      // same name. The person then comes first.
      .orderBy(sql`(${accounts.id}::text = lower(${user})) desc`, sql`(${accounts.kind} = 'person') desc`)
      .limit(1);
    if (row === undefined) throw new NotVisible();
    return row;
  }

  private async facts(study: string): Promise<StudyFacts | undefined> {
    const [row] = await this.database
      .select()
      .from(studies)
      .innerJoin(patients, eq(patients.id, studies.patient))
      .where(and(eq(studies.studyUid, study), sql`${studies.instanceCount} > 0`));
    return row === undefined
      ? undefined
      : {
          studyUid: study,
          issuer: row.patients.issuer,
          patientId: row.patients.patientId,
          institution: row.studies.institution,
          imageModalities: row.studies.imageModalities,
          createdBy: row.studies.createdBy ?? undefined,
        };
  }

  private async held(accountId: string) {
    const rows = await this.database
      .select({ group: { id: groups.id, name: groups.name }, grant: grants })
      .from(memberships)
      .innerJoin(groups, eq(groups.id, memberships.groupId))
      .innerJoin(grants, eq(grants.groupId, memberships.groupId))
      .where(eq(memberships.accountId, accountId))
      .orderBy(asc(groups.name), asc(grants.createdAt), asc(grants.id));
    return rows.map(({ group, grant }) => ({ group, grant: grantOf(grant) }));
  }

  private async isMember(accountId: string): Promise<boolean> {
    return (await this.database.$count(memberships, eq(memberships.accountId, accountId))) > 0;
  }
}

/** Whether this grant alone allows the action. The function uses the policy check that requests use. */
function covers(account: AccountRow, { rights, scope }: Grant, facts: StudyFacts): boolean {
  const { patientIssuer: issuer, patientId } = account;
  const patient = issuer === null || patientId === null ? undefined : { issuer, patientId };
  const policy = { accountId: account.id, patient, grants: [{ rights, scope }] };
  return rights.some((right) => allows(policy, right, facts));
}

function firstMissing(steps: readonly (readonly [Missing, boolean])[]): Missing | null {
  return steps.find(([, there]) => !there)?.[0] ?? null;
}

function ruleOf(scope: Scope, covering: boolean): string {
  switch (scope.kind) {
    case 'all':
      return 'The scope is everything.';
    case 'study':
      return covering ? 'The scope names this study.' : 'The scope names another study.';
    case 'patient':
      return covering ? "The scope names this study's patient." : 'The scope names another patient.';
    case 'institution':
      return covering ? 'The study is of this institution.' : 'The study is not of this institution.';
    case 'modality':
      return covering
        ? 'All image series of the study have this modality.'
        : 'Not all image series of the study have this modality.';
    case 'own-patient':
      return covering
        ? "The account is linked to this study's patient."
        : "The account is not linked to this study's patient.";
    case 'own-uploads':
      return covering ? 'The account created this study.' : 'The account did not create this study.';
  }
}
