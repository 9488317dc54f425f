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

/** What is missing first, in the order in which it would have to be mended. */
const Missing = z.enum([
  'account_enabled',
  'study_in_catalog',
  'group',
  'grant_of_right',
  'grant_in_time',
  'scope_over_study',
]);
export type Missing = z.output<typeof Missing>;

/** One grant of one group, and the rule by which it decides or does not. */
const Considered = z.object({
  group: z.object({ id: z.uuid(), name: z.string() }),
  grant: Grant,
  rule: z.string(),
});
type Considered = z.output<typeof Considered>;

/** Why an account may or may not do something with a study. Either `decided_by` has somebody in it, or `missing` says what. */
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

/** Says which group, grant and rule decides. */
@Injectable()
export class Explanations {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * `user` is an id, a username or a machine account's name. NotVisible when there is no such account. A study that is nowhere is told
   * as missing, but for storing: that is decided as of a new study, as far as it can be before its first instance is here.
   */
  async explain(user: string, study: string, right: Right): Promise<Explanation> {
    const account = await this.account(user);
    const there = await this.facts(study);
    const isNew = there === undefined && right === 'studies:store';
    const facts = isNew ? asNew(study, account) : there;
    const held = await this.held(account.id);
    const ofRight = held.filter(({ grant }) => grant.rights.includes(right));
    const inTime = ofRight.filter(
      ({ grant }) => grant.until === null || Date.parse(grant.until) > Date.now(),
    );
    const covering = facts === undefined ? [] : inTime.filter(({ grant }) => covers(account, grant, facts));
    const waits = isNew && inTime.some(({ grant }) => isOpenUntilArrival(account, grant.scope));
    const rule = ({ scope }: Grant, covering: boolean) =>
      isNew ? ruleOfNew(account, scope, covering) : ruleOf(scope, covering);
    const missing = firstMissing([
      ['account_enabled', !account.disabled],
      ['study_in_catalog', facts !== undefined],
      ['group', await this.isMember(account.id)],
      ['grant_of_right', ofRight.length > 0],
      ['grant_in_time', inTime.length > 0],
      // What the object says would tell.
      ['study_in_catalog', covering.length > 0 || !waits],
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
          const said = inTime.includes(one) ? rule(grant, false) : 'The grant ended at its date.';
          return { group, grant, rule: said };
        }),
    };
  }

  private async account(user: string): Promise<AccountRow> {
    const [row] = await this.database
      .select()
      .from(accounts)
      .where(or(sql`${accounts.id}::text = lower(${user})`, sql`lower(${accounts.name}) = lower(${user})`))
      // Somebody may be named like the id of another, a machine like a person.
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

/** The gateway's own yes or no for this grant alone. */
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
