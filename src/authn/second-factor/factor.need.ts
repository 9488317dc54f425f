import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Database, Transaction } from '../../database/database.module.js';

const FactorNeed = z.object({ has: z.boolean(), required: z.boolean(), password: z.boolean() });
/** `has`: the account has a second factor. `required`: a group of the account requires one. `password`: the account has a password. */
export type FactorNeed = z.output<typeof FactorNeed>;

/** Reads whether an account has a second factor, and whether one of its groups requires one. */
export async function factorNeedOf(database: Database | Transaction, accountId: string): Promise<FactorNeed> {
  const [row] = await database.execute(sql`
    select exists (select from second_factors f where f.account_id = ${accountId} and f.confirmed_at is not null) as has,
      exists (select from memberships m join groups g on g.id = m.group_id
        where m.account_id = ${accountId} and g.requires_second_factor) as required,
      exists (select from accounts a where a.id = ${accountId} and a.password_hash is not null) as password`);
  return FactorNeed.parse(row);
}

/** Whether a sign-in with the password needs a second factor. */
export function needsFactor({ has, required }: FactorNeed): boolean {
  return has || required;
}
