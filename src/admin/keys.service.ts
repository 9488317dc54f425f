import { Inject, Injectable } from '@nestjs/common';
import { and, eq, ne, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type AuditedAction, AuditedActions } from '../audit/audited.actions.js';
import { AddressRange } from '../authn/keys/address.ranges.js';
import { newApiKey } from '../authn/keys/api.keys.js';
import { hashOf } from '../authn/tokens/tokens.hash.js';
import { Flag, ListQuery } from '../http/query.pipe.js';
import { DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { accounts, apiKeys } from '../database/schema.access.js';
import { Conflict, NotVisible } from '../problems/errors.js';
import { refuseStale, tagOf } from './entity.tags.js';
import { Moment, Name } from './fields.js';
import { is, isPast, matching, orderOf, type Page } from '../http/list.query.js';
import { Machines } from './machines.service.js';

/** A key of a machine account, without its secret. Times are in ISO 8601. */
export const Key = z.object({
  id: z.uuid(),
  name: z.string(),
  expires_at: z.iso.datetime().nullable(),
  last_used_at: z.iso.datetime().nullable(),
  ranges: z
    .array(z.string())
    .readonly()
    .describe('Addresses or CIDR ranges from which the key may be used; empty: from anywhere.'),
});
export type Key = z.output<typeof Key>;

/** A new key with its secret. The secret is shown only once. */
export const CreatedKey = Key.extend({ key: z.string() });
export type CreatedKey = z.output<typeof CreatedKey>;

export const NewKey = z.strictObject({
  name: Name,
  expires_at: Moment.nullable().default(null),
  ranges: z.array(AddressRange).max(32).default([]),
});
export type NewKey = z.output<typeof NewKey>;

export const KeyChange = z.strictObject({
  name: Name.optional(),
  expires_at: Moment.nullable().optional(),
  ranges: NewKey.shape.ranges.unwrap().optional(),
});
export type KeyChange = z.output<typeof KeyChange>;

/** Filters for keys: whether the key is expired, and whether the key was ever used. */
export const KeysQuery = ListQuery.extend({ expired: Flag.optional(), used: Flag.optional() });
export type KeysQuery = z.output<typeof KeysQuery>;

const SORTABLE = [
  ['name', apiKeys.name],
  ['expires_at', apiKeys.expiresAt],
  ['last_used_at', apiKeys.lastUsedAt],
] as const;

/**
 * Lists, creates, changes and revokes API keys. A key has 32 random bytes. Only the response to the creation of a key contains the key. The
 * database stores the SHA-256 of the key. Methods throw NotVisible for a missing account or key.
 */
@Injectable()
export class Keys {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly auditedActions: AuditedActions,
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
    return found(row);
  }

  /**
   * Creates a key. Only this result contains the secret of the key. Throws Conflict when another valid key of the account has this name.
   * Upper and lower case are not distinguished.
   */
  async create(
    action: AuditedAction,
    accountId: string,
    { name, expires_at, ranges }: NewKey,
  ): Promise<CreatedKey> {
    await this.machines.get(accountId);
    const key = newApiKey();
    return this.auditedActions.record(action, 201, async (transaction) => {
      await lockNames(transaction, accountId);
      if (!isEnded(expires_at)) await refuseTaken(transaction, accountId, name);
      const [row] = await transaction
        .insert(apiKeys)
        .values({ accountId, name, keyHash: hashOf(key), expiresAt: expires_at, ranges })
        .returning();
      if (row === undefined) throw new NotVisible();
      action.addFacts({ detail: { id: row.id, name, ranges } });
      return { ...keyOf(row), key };
    });
  }

  /**
   * Changes a key. The change is effective for running requests too. Throws Stale when If-Match does not match, and Conflict when the name
   * is taken.
   */
  async change(action: AuditedAction, accountId: string, id: string, change: KeyChange): Promise<Key> {
    await this.machines.get(accountId);
    const { name, expires_at: expiresAt, ranges } = change;
    return this.auditedActions.record(action, 200, async (transaction) => {
      await lockNames(transaction, accountId);
      const before = await known(transaction, action, accountId, id);
      const after = { name: name ?? before.name, ends: expiresAt === undefined ? endOf(before) : expiresAt };
      // Earlier versions of the gateway allowed two keys with the same name. A change that keeps the name of such a key is allowed.
      const isSame = after.name.toLowerCase() === before.name.toLowerCase() && !isEnded(endOf(before));
      if (!isSame && !isEnded(after.ends)) await refuseTaken(transaction, accountId, after.name, id);
      action.addFacts({ detail: change });
      const [row] = await transaction
        .update(apiKeys)
        .set({ name: name ?? sql`${apiKeys.name}`, expiresAt, ranges })
        .where(eq(apiKeys.id, id))
        .returning();
      return found(row);
    });
  }

  /** Revokes a key. The change is effective from the next request. Throws Stale when If-Match does not match. */
  async remove(action: AuditedAction, accountId: string, id: string): Promise<void> {
    await this.machines.get(accountId);
    await this.auditedActions.record(action, 204, async (transaction) => {
      const { name } = await known(transaction, action, accountId, id);
      action.addFacts({ detail: { name } });
      await transaction.delete(apiKeys).where(eq(apiKeys.id, id));
    });
  }
}

/**
 * The entity tag of a key. The time of the last use is left out. Otherwise each use of the key would change the tag, and If-Match would
 * fail.
 */
export function tagOfKey({ id, name, expires_at, ranges }: Key): string {
  return tagOf({ id, name, expires_at, ranges });
}

/** Locks the key names of the account until the transaction ends. Throws NotVisible when the account was deleted. */
async function lockNames(transaction: Transaction, accountId: string): Promise<void> {
  const held = await transaction
    .select({ id: accounts.id })
    .from(accounts)
    .where(eq(accounts.id, accountId))
    .for('no key update');
  if (held.length === 0) throw new NotVisible();
}

/** Throws Conflict when another valid key of the account has this name. Expired keys do not count. */
async function refuseTaken(
  transaction: Transaction,
  accountId: string,
  name: string,
  except?: string,
): Promise<void> {
  const taken = await transaction.$count(
    apiKeys,
    and(
      eq(apiKeys.accountId, accountId),
      sql`lower(${apiKeys.name}) = lower(${name})`,
      isPast(apiKeys.expiresAt, false),
      except === undefined ? undefined : ne(apiKeys.id, except),
    ),
  );
  if (taken > 0)
    throw new Conflict('name-taken', 'Another valid key of the account has this name. Choose another name.');
}

function isEnded(moment: Date | null): boolean {
  return moment !== null && moment.getTime() <= Date.now();
}

function endOf({ expires_at }: Key): Date | null {
  return expires_at === null ? null : new Date(expires_at);
}

async function known(
  transaction: Transaction,
  action: AuditedAction,
  accountId: string,
  id: string,
): Promise<Key> {
  const [row] = await transaction
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.accountId, accountId), eq(apiKeys.id, id)))
    .for('update');
  const key = found(row);
  refuseStale(action, tagOfKey(key));
  return key;
}

function found(row: typeof apiKeys.$inferSelect | undefined): Key {
  if (row === undefined) throw new NotVisible();
  return keyOf(row);
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
