import { Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Transaction } from '../database/database.module.js';
import { Conflict } from '../problems/errors.js';

/** Changes to who administers happen one after the other, so that two administrators cannot remove each other at once. */
const ADMINISTRATORS_LOCK = 7_263_423;
const Found = z.object({ found: z.boolean() });

/**
 * Keeps somebody able to manage access: a person with a password, not disabled, with `access:manage` × `all` that does not run out, in a
 * group that people put them in. Who signs in elsewhere only, or is there because a provider's claim says so, does not count: that
 * provider may be away, and what it gave it takes back without asking here.
 */
@Injectable()
export class LastAdministrator {
  /** Runs a change within a transaction; {@link Conflict} undoes it when nobody could manage access after it. */
  async keptBy<T>(transaction: Transaction, change: () => Promise<T>): Promise<T> {
    await transaction.execute(sql`select pg_advisory_xact_lock(${ADMINISTRATORS_LOCK})`);
    const before = await hasOne(transaction);
    const result = await change();
    if (before && !(await hasOne(transaction)))
      throw new Conflict('last-administrator', 'This would leave nobody who can manage access.');
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
