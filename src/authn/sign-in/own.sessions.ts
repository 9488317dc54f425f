import { Inject, Injectable } from '@nestjs/common';
import { and, desc, eq, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { refreshTokens, sessions, tokenFamilies } from '../../database/schema.access.js';
import { NotVisible } from '../../problems/errors.js';
import { ListQuery } from '../../http/query.pipe.js';
import type { SignIn } from './sign.in.js';
import { SESSION_LIVES } from './sign.ins.js';

/** An active sign-in of an account. It is a browser session, or the token family of one login. Times are in ISO 8601. */
export const Session = z.object({
  id: z.uuid(),
  kind: z.enum(['browser', 'token']),
  created_at: z.iso.datetime(),
  last_seen_at: z.iso
    .datetime()
    .describe('The last use, to the minute, for a browser; the last refresh for tokens.'),
  address: z.string().describe('The address where it was opened.'),
  client: z.string(),
  current: z.boolean().describe('Whether this request uses it.'),
});
export type Session = z.output<typeof Session>;

/** The query parameters of the list of sign-ins. Filters: `kind`, and `q`, which is a part of the address or the user agent. */
export const SessionsQuery = ListQuery.extend({
  kind: Session.shape.kind.optional(),
  sort: z.enum(['created_at', '-created_at', 'last_seen_at', '-last_seen_at']).default('-created_at'),
});
export type SessionsQuery = z.output<typeof SessionsQuery>;

/** Lists and ends the active sign-ins of one account. The list has at most one hundred sign-ins of each kind, newest first. */
@Injectable()
export class OwnSessions {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** A page of sign-ins. `current` is the sign-in of the request itself. */
  async page(
    accountId: string,
    { limit, offset, q, sort, kind }: SessionsQuery,
    current?: SignIn['ends'],
  ): Promise<{ items: readonly Session[]; total: number }> {
    const field = sort.endsWith('last_seen_at') ? 'last_seen_at' : 'created_at';
    const holds = (text: string) => text.toLowerCase().includes(q.toLowerCase());
    const found = (await this.list(accountId, current))
      .filter((one) => kind === undefined || one.kind === kind)
      .filter(({ address, client }) => holds(address) || holds(client))
      .sort((one, other) => one[field].localeCompare(other[field]) || one.id.localeCompare(other.id));
    if (sort.startsWith('-')) found.reverse();
    return { items: found.slice(offset, offset + limit), total: found.length };
  }

  private async list(accountId: string, current?: SignIn['ends']): Promise<Session[]> {
    const browsers = await this.database
      .select({
        id: sessions.id,
        createdAt: sessions.createdAt,
        seenAt: sessions.lastSeenAt,
        address: sessions.address,
        client: sessions.client,
      })
      .from(sessions)
      .where(and(eq(sessions.accountId, accountId), SESSION_LIVES))
      .orderBy(desc(sessions.createdAt))
      .limit(100);
    const newest = sql`(select max(${refreshTokens.createdAt}) from ${refreshTokens}
      where ${refreshTokens.family} = ${tokenFamilies.id} and ${refreshTokens.expiresAt} > now())`;
    const tokens = await this.database
      .select({
        id: tokenFamilies.id,
        createdAt: tokenFamilies.createdAt,
        seenAt: newest.mapWith(refreshTokens.createdAt),
        address: tokenFamilies.address,
        client: tokenFamilies.client,
      })
      .from(tokenFamilies)
      .where(
        and(
          eq(tokenFamilies.accountId, accountId),
          isNull(tokenFamilies.revokedAt),
          sql`${newest} is not null`,
        ),
      )
      .orderBy(desc(tokenFamilies.createdAt))
      .limit(100);
    const sessionsOf = (kind: Session['kind'], rows: typeof browsers): Session[] =>
      rows.map(({ id, createdAt, seenAt, address, client }) => ({
        id,
        kind,
        created_at: createdAt.toISOString(),
        last_seen_at: seenAt.toISOString(),
        address,
        client,
        current: id === current?.id,
      }));
    return [...sessionsOf('browser', browsers), ...sessionsOf('token', tokens)];
  }

  /** Ends one sign-in. Throws NotVisible when the account has no active sign-in with this id. */
  async end(accountId: string, id: string, transaction: Transaction): Promise<void> {
    const browser = await transaction
      .delete(sessions)
      .where(and(eq(sessions.accountId, accountId), eq(sessions.id, id), SESSION_LIVES))
      .returning({ id: sessions.id });
    if (browser.length > 0) return;
    const family = await transaction
      .update(tokenFamilies)
      .set({ revokedAt: sql`now()` })
      .where(
        and(
          eq(tokenFamilies.accountId, accountId),
          eq(tokenFamilies.id, id),
          isNull(tokenFamilies.revokedAt),
        ),
      )
      .returning({ id: tokenFamilies.id });
    if (family.length === 0) throw new NotVisible();
  }
}
