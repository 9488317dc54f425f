import { Inject, Injectable } from '@nestjs/common';
import { asc, count, eq, type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { pageOf } from '../http/response.shape.js';
import { Policies } from '../authz/policies.service.js';
import { type Policy, toSql } from '../authz/policy.js';
import { isScoped, Right } from '../authz/rights.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { accounts, memberships } from '../database/schema.access.js';
import { BadField } from '../problems/errors.js';
import { Grants, NewGrant } from './grants.service.js';
import { Groups } from './groups.service.js';

/**
 * A grant that would be added to a group or removed from it. If `right` is missing, all rights of the grant are compared. Otherwise only
 * this right is compared. `people` and `studies` limit the lengths of the lists, but not the totals.
 */
export const WhatIf = z
  .strictObject({
    group_id: z.uuid(),
    add: NewGrant.optional(),
    remove: z.uuid().optional(),
    right: Right.refine(
      isScoped,
      'Use a right that begins with studies:. Only those have a scope.',
    ).optional(),
    people: z.int().min(1).max(100).default(20),
    people_offset: z.int().min(0).default(0),
    studies: z.int().min(1).max(100).default(20),
  })
  .refine(({ add, remove }) => (add === undefined) !== (remove === undefined), {
    path: ['add'],
    message: 'Send either add or remove.',
  });
export type WhatIf = z.output<typeof WhatIf>;

/** Study UIDs, newest first. The request limits the length of `items`. `total` counts all studies. */
const Studies = z.object({ total: z.int(), items: z.array(z.string()).readonly() });
type Studies = z.output<typeof Studies>;

/** The studies that one member of the group would gain and lose. */
const Effect = z.object({
  account: z.object({ id: z.uuid(), name: z.string(), disabled: z.boolean() }),
  gains: Studies,
  loses: Studies,
});
type Effect = z.output<typeof Effect>;

/**
 * The effects on the members of the group, in the order of the members' names. A study is gained or lost when the member gains or loses any
 * of `rights` over the study. Rights that allow only the scope `all` are left out. `right` is the first of `rights`, or null.
 */
export const Effects = pageOf(Effect).extend({ right: Right.nullable(), rights: z.array(Right) });
export type Effects = z.output<typeof Effects>;

interface Change {
  readonly rights: readonly Right[];
  readonly apply: (policy: Policy) => Policy;
}
const Found = z.array(z.object({ uid: z.string(), total: z.coerce.number() }));
const NOTHING: Studies = { total: 0, items: [] };

/** Computes which members of a group would gain and lose which studies. This class changes nothing. */
@Injectable()
export class WhatIfs {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly policies: Policies,
    private readonly groups: Groups,
    private readonly grants: Grants,
  ) {}

  /** Computes the effects of adding or removing a grant. Throws NotVisible for a missing group or grant. */
  async ask(question: WhatIf): Promise<Effects> {
    const { group_id, people, people_offset, studies } = question;
    await this.groups.get(group_id);
    const change = await this.changeOf(question);
    const rights = question.right === undefined ? change.rights.filter(isScoped) : [question.right];
    const members = await this.database
      .select({ account: accounts })
      .from(memberships)
      .innerJoin(accounts, eq(accounts.id, memberships.accountId))
      .where(eq(memberships.groupId, group_id))
      .orderBy(asc(accounts.name), asc(accounts.id))
      .limit(people)
      .offset(people_offset);
    const [counted] = await this.database
      .select({ total: count() })
      .from(memberships)
      .where(eq(memberships.groupId, group_id));
    const items: Effect[] = [];
    // Compute one member at a time, so that the database can also serve other requests.
    for (const { account } of members) {
      const { id, name, disabled, patientIssuer: issuer, patientId } = account;
      const patient = issuer === null || patientId === null ? undefined : { issuer, patientId };
      const before = await this.policies.of({ id, patient });
      const after = change.apply(before);
      const was = rights.map((right) => toSql(before, right));
      const is = rights.map((right) => toSql(after, right));
      items.push({
        account: { id, name, disabled },
        gains: question.add === undefined ? NOTHING : await this.only(is, was, studies),
        loses: question.remove === undefined ? NOTHING : await this.only(was, is, studies),
      });
    }
    return { right: rights[0] ?? null, rights, items, total: counted?.total ?? 0 };
  }

  private async changeOf({ group_id, add, remove }: WhatIf): Promise<Change> {
    if (add !== undefined) {
      const { rights, scope, until } = add;
      if (until !== null && until.getTime() <= Date.now())
        throw new BadField('invalid-field', 'add.until', 'This date is in the past. Use a later one.');
      return { rights, apply: (policy) => ({ ...policy, grants: [...policy.grants, { rights, scope }] }) };
    }
    const { rights, scope } = await this.grants.get(group_id, remove ?? '');
    const removed = JSON.stringify({ rights, scope });
    return {
      rights,
      apply: (policy) => {
        // The policy can contain an equal grant of another group. Remove only one of the equal grants.
        const at = policy.grants.findIndex((grant) => JSON.stringify(grant) === removed);
        return { ...policy, grants: policy.grants.filter((_, index) => index !== at) };
      },
    };
  }

  /**
   * Both lists have one SQL condition for each right. A study is returned if, for at least one right, it satisfies the condition of the
   * first list and not the condition of the second list.
   */
  private async only(one: readonly SQL[], other: readonly SQL[], limit: number): Promise<Studies> {
    if (one.length === 0) return NOTHING;
    const differ = one.map((set, index) => sql`(${set} and not coalesce(${other[index]}, false))`);
    const rows = Found.parse(
      await this.database.execute(sql`
        select studies.study_uid as uid, count(*) over () as total
        from studies join patients on patients.id = studies.patient
        where studies.instance_count > 0 and (${sql.join(differ, sql` or `)})
        order by studies.study_date desc, studies.study_time desc, studies.id desc limit ${limit}`),
    );
    return { total: rows[0]?.total ?? 0, items: rows.map(({ uid }) => uid) };
  }
}
