import { Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Transaction } from '../database/database.module.js';
import { Conflict } from '../problems/errors.js';

/** The advisory lock that serialises changes of administrators. Otherwise two administrators could remove each other at the same time. */
const ADMINISTRATORS_LOCK = 7_263_423;
const Found = z.object({ found: z.boolean() });

/**
 * Makes sure that at least one person can manage access. This person must have a password, must not be disabled, and must be in a group
 * that has the right `access:manage` with the scope `all` and no end date. People without a password do not count, because the OpenID
 * Connect provider can be unreachable. Memberships from a claim of the provider do not count, because the provider can withdraw them.
 */
@Injectable()
export class LastAdministrator {
  /**
   * Runs a change within a transaction. Throws {@link Conflict} when nobody could manage access after the change. The transaction is then
   * rolled back.
   */
  async guard<T>(transaction: Transaction, change: () => Promise<T>): Promise<T> {
    await transaction.execute(sql`select pg_advisory_xact_lock(${ADMINISTRATORS_LOCK})`);
    const before = await hasOne(transaction);
    const result = await change();
    if (before && !(await hasOne(transaction)))
      throw new Conflict(
        'last-administrator',
        'Nobody could manage access after this change. Give somebody else access:manage first.',
      );
    return result;
  }
}

async function hasOne(transaction: Transaction): Promise<boolean> {
  const [row] = await transaction.execute(sql`
    select exists (
      select from accounts a
      join memberships m on m.account_id = a.id
      join grants g on g.group_id = m.group_id
      where a.kind = 'person' and not a.disabled and a.password_hash is not null and not m.external
        and g.scope_kind = 'all' and 'access:manage' = any (g.rights) and g.until is null
    ) as found`);
  return Found.parse(row).found;
}
