import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { DATABASE, type Database } from '../../database/database.module.js';

const MAX_NAMES = 20;

/** What happens to the people of a group when it requires a second factor. */
export const FactorEffects = z.object({
  with_factor: z.int().describe('Enabled people with a password and a second factor.'),
  without_factor: z.int().describe('Enabled people with a password and no second factor.'),
  usernames: z.array(z.string()).describe('The first twenty people without a second factor.'),
  exempt: z.int().describe('Enabled people without a password. They sign in at the OpenID Connect provider.'),
  sign_ins: z
    .int()
    .describe('Active sign-ins by password alone. They end when the group begins to require a factor.'),
});
export type FactorEffects = z.output<typeof FactorEffects>;

/** Previews a required second factor. */
@Injectable()
export class FactorPreviews {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Counts the people of a group by what the requirement means for them. */
  async of(groupId: string): Promise<FactorEffects> {
    const [row] = await this.database.execute(sql`
      with people as (
        select a.id, a.name, a.password_hash is null as exempt, exists (
          select from second_factors f where f.account_id = a.id and f.confirmed_at is not null) as has
        from accounts a join memberships m on m.account_id = a.id
        where m.group_id = ${groupId} and a.kind = 'person' and not a.disabled)
      select count(*) filter (where has and not exempt)::int as with_factor,
        count(*) filter (where not has and not exempt)::int as without_factor,
        count(*) filter (where exempt)::int as exempt,
        coalesce((array_agg(name order by lower(name)) filter (where not has and not exempt))[1:${sql.raw(String(MAX_NAMES))}], '{}') as usernames,
        ((select count(*) from sessions s where s.account_id in (select id from people) and s.signed_in_by = 'password'
            and s.last_seen_at > now() - interval '30 minutes' and s.created_at > now() - interval '12 hours')
          + (select count(*) from token_families t where t.account_id in (select id from people) and t.signed_in_by = 'password'
            and t.revoked_at is null and exists (
              select from refresh_tokens r where r.family = t.id and r.expires_at > now())))::int as sign_ins
      from people`);
    return FactorEffects.parse(row);
  }
}
