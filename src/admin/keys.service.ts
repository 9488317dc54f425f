import { Inject, Injectable } from '@nestjs/common';
import { and, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type Deed, Deeds } from '../audit/deeds.js';
import { AddressRange } from '../authn/address.ranges.js';
import { newApiKey } from '../authn/api.keys.js';
import { hashOf } from '../authn/tokens.hash.js';
import { Flag, ListQuery } from '../authn/query.pipe.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { apiKeys } from '../database/schema.access.js';
import { NotVisible } from '../problems/errors.js';
import { Moment, Name } from './fields.js';
import { is, isPast, matching, orderOf, type Page } from '../authn/list.query.js';
import { Machines } from './machines.service.js';
import { isGone } from './refused.by.postgres.js';

/** A key of a machine account as it is listed; moments are ISO 8601. */
export const Key = z.object({
  id: z.uuid(),
  name: z.string(),
  expires_at: z.iso.datetime().nullable(),
  last_used_at: z.iso.datetime().nullable(),
  ranges: z
    .array(z.string())
    .readonly()
    .describe('Where it may be used from: addresses or CIDR ranges; empty: anywhere.'),
});
export type Key = z.output<typeof Key>;

/** A key at the one moment it is shown. */
export const MadeKey = Key.extend({ key: z.string() });
export type MadeKey = z.output<typeof MadeKey>;

export const NewKey = z.strictObject({
  name: Name,
  expires_at: Moment.nullable().default(null),
  ranges: z.array(AddressRange).max(32).default([]),
});
export type NewKey = z.output<typeof NewKey>;

/** Keys past their date or not; keys that were ever used or were not. */
export const KeysQuery = ListQuery.extend({ expired: Flag.optional(), used: Flag.optional() });
export type KeysQuery = z.output<typeof KeysQuery>;

const SORTABLE = [
  ['name', apiKeys.name],
  ['expires_at', apiKeys.expiresAt],
  ['last_used_at', apiKeys.lastUsedAt],
] as const;

/** API keys: 32 random bytes, shown once and stored as SHA-256. A missing account or key is NotVisible. */
@Injectable()
export class Keys {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly deeds: Deeds,
    private readonly machines: Machines,
  ) {}

  async list(accountId: string, query: KeysQuery): Promise<Page<Key>> {
    await this.machines.get(accountId);
    const which = and(
      eq(apiKeys.accountId, accountId),
      matching(query, apiKeys.name),
      isPast(apiKeys.expiresAt, query.expired),
      is(sql`(${apiKeys.lastUsedAt} is not null)`, query.used),
    );
    const rows = await this.database
      .select()
      .from(apiKeys)
      .where(which)
      .orderBy(...orderOf(query, SORTABLE, apiKeys.id))
      .limit(query.limit)
      .offset(query.offset);
    return { items: rows.map(keyOf), total: await this.database.$count(apiKeys, which) };
  }

  async get(accountId: string, id: string): Promise<Key> {
    await this.machines.get(accountId);
    const [row] = await this.database
      .select()
      .from(apiKeys)
      .where(and(eq(apiKeys.accountId, accountId), eq(apiKeys.id, id)));
    if (row === undefined) throw new NotVisible();
    return keyOf(row);
  }

  /** The only answer that holds the key itself. */
  async create(deed: Deed, accountId: string, { name, expires_at, ranges }: NewKey): Promise<MadeKey> {
    await this.machines.get(accountId);
    const key = newApiKey();
    return this.deeds.record(deed, 201, async (transaction) => {
      const [row] = await transaction
        .insert(apiKeys)
        .values({ accountId, name, keyHash: hashOf(key), expiresAt: expires_at, ranges })
        .returning()
        .catch((error: unknown) => {
          throw isGone(error) ? new NotVisible() : error;
        });
      if (row === undefined) throw new NotVisible();
      deed.tells({ detail: { id: row.id, name, ranges } });
      return { ...keyOf(row), key };
    });
  }

  /** The key is refused from the next request on. */
  async remove(deed: Deed, accountId: string, id: string): Promise<void> {
    await this.machines.get(accountId);
    await this.deeds.record(deed, 204, async (transaction) => {
      const rows = await transaction
        .delete(apiKeys)
        .where(and(eq(apiKeys.accountId, accountId), eq(apiKeys.id, id)))
        .returning({ one: sql`1` });
      if (rows.length === 0) throw new NotVisible();
    });
  }
}

function keyOf({ id, name, expiresAt, lastUsedAt, ranges }: typeof apiKeys.$inferSelect): Key {
  return {
    id,
    name,
    expires_at: expiresAt?.toISOString() ?? null,
    last_used_at: lastUsedAt?.toISOString() ?? null,
    ranges,
  };
}
