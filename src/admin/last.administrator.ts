import { Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Transaction } from '../database/database.module.js';
import { Conflict } from '../problems/errors.js';

/** The advisory lock that serialises these changes, so that two administrators cannot remove each other at the same time. */
const ADMINISTRATORS_LOCK = 7_263_423;
const Found = z.object({ found: z.boolean() });

/**
 * Makes sure that at least one person can manage access: a person with a password, not disabled, in a group with `access:manage` × `all`
 * and no end date. People who sign in by an external provider only do not count, nor memberships that a provider's claim made: the provider
 * may be away, or withdraw the membership.
 */
@Injectable()
export class LastAdministrator {
  /** Runs a change within a transaction. {@link Conflict} undoes it when nobody could manage access afterwards. */
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
