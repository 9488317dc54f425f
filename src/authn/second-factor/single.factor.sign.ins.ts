import { sql } from 'drizzle-orm';
import type { Transaction } from '../../database/database.module.js';

/**
 * Ends the sign-ins by password alone whose accounts are in a group that requires a second factor. Call it after a change of the group or of
 * its members. `of` limits the work to the members of a group, or to one account. Returns the number of ended sign-ins.
 */
export async function endSingleFactorSignIns(
  transaction: Transaction,
  of: { readonly group: string } | { readonly account: string },
): Promise<number> {
  const which = 'group' in of ? sql`m.group_id = ${of.group}` : sql`m.account_id = ${of.account}`;
  const affected = sql`select m.account_id from memberships m join groups g on g.id = m.group_id
    where g.requires_second_factor and ${which}`;
  // A sign-in that is starting holds the row of its account (holdProof). The lock waits for it, so that no such sign-in is missed.
  await transaction.execute(sql`
    select id from accounts where id in (${affected}) and kind = 'person' order by id for no key update`);
  const ended = await transaction.execute(sql`
    with browsers as (
      delete from sessions where signed_in_by = 'password' and account_id in (${affected}) returning 1
    ), tokens as (
      update token_families set revoked_at = now()
      where signed_in_by = 'password' and revoked_at is null and account_id in (${affected}) returning 1
    )
    select 1 from browsers union all select 1 from tokens`);
  return ended.length;
}
