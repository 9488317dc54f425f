import { and, gt, isNotNull, isNull, sql } from 'drizzle-orm';
import type { Database, Transaction } from '../../database/database.module.js';
import { signingKeys } from '../../database/schema.access.js';
import type { SealedBox } from '../../secrets/sealed.box.js';
import { type KeyPair, newKeyPair } from './key.pair.js';

export const KEYS_PURPOSE = 'signing keys';
const KEYS_LOCK = 7_263_421;
/** The time that a key may still sign after its successor was created. All gateways use the successor before this time ends. */
const RETIRES = sql.raw(`interval '1 minute'`);

/**
 * Creates the next signing key and returns the id of the key. The key is published immediately and is used for signing after fifteen
 * seconds.
 */
export async function rotateKeys(database: Database, box: SealedBox): Promise<string> {
  const pair = await newKeyPair();
  await database.transaction((transaction) => add(transaction, pair, box));
  return pair.kid;
}

/**
 * Creates a signing key when no key exists, or the newest key is older than `days`. If two gateways call this function at the same time,
 * only one of them creates a key.
 */
export async function rotateWhenDue(database: Database, box: SealedBox, days: number): Promise<void> {
  if (await hasFreshKey(database, days)) return;
  const pair = await newKeyPair();
  await database.transaction(async (transaction) => {
    await transaction.execute(sql`select pg_advisory_xact_lock(${KEYS_LOCK})`);
    if (!(await hasFreshKey(transaction, days))) await add(transaction, pair, box);
  });
}

/**
 * Publishes the public key of a key file and marks it as in use. A key that no gateway has marked for a minute is retired. An operator can
 * therefore give a new file to one gateway after another. Stored keys that are not from a key file are retired too.
 */
export async function keepFileKey(database: Database, { kid, publicJwk }: KeyPair): Promise<void> {
  const retiredAt = sql`now() + ${RETIRES}`;
  await database
    .insert(signingKeys)
    .values({ kid, publicJwk, retiredAt })
    .onConflictDoUpdate({ target: signingKeys.kid, set: { retiredAt } });
  await database.update(signingKeys).set({ retiredAt }).where(isNull(signingKeys.retiredAt));
}

async function hasFreshKey(database: Database | Transaction, days: number): Promise<boolean> {
  const [fresh] = await database
    .select({ kid: signingKeys.kid })
    .from(signingKeys)
    .where(
      and(
        isNull(signingKeys.retiredAt),
        isNotNull(signingKeys.privateSealed),
        gt(signingKeys.createdAt, sql`now() - make_interval(secs => ${days * 86_400})`),
      ),
    )
    .limit(1);
  return fresh !== undefined;
}

async function add(transaction: Transaction, pair: KeyPair, box: SealedBox): Promise<void> {
  const { kid, publicJwk, privateKey } = pair;
  await transaction
    .update(signingKeys)
    .set({ retiredAt: sql`now() + ${RETIRES}` })
    .where(isNull(signingKeys.retiredAt));
  const der = privateKey.export({ format: 'der', type: 'pkcs8' });
  await transaction
    .insert(signingKeys)
    .values({ kid, publicJwk, privateSealed: box.seal(KEYS_PURPOSE, der) });
}
