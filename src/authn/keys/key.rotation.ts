import { and, gt, isNotNull, isNull, sql } from 'drizzle-orm';
import type { Database, Transaction } from '../../database/database.module.js';
import { signingKeys } from '../../database/schema.access.js';
import type { SealedBox } from '../../secrets/sealed.box.js';
import { type KeyPair, newKeyPair } from './key.pair.js';

export const KEYS_PURPOSE = 'signing keys';
const KEYS_LOCK = 7_263_421;
/** Long enough that its successor signs everywhere when a key stops signing. */
const RETIRES = sql.raw(`interval '1 minute'`);

/** Makes a key that follows those that sign now: it is published at once and signs when it has settled. Answers its id. */
export async function rotateKeys(database: Database, box: SealedBox): Promise<string> {
  const pair = await newKeyPair();
  await database.transaction((transaction) => add(transaction, pair, box));
  return pair.kid;
}

/** Makes one when there is none, or the youngest is older than `days`. Two gateways at once make one. */
export async function rotateWhenDue(database: Database, box: SealedBox, days: number): Promise<void> {
  if (await isYoung(database, days)) return;
  const pair = await newKeyPair();
  await database.transaction(async (transaction) => {
    await transaction.execute(sql`select pg_advisory_xact_lock(${KEYS_LOCK})`);
    if (!(await isYoung(transaction, days))) await add(transaction, pair, box);
  });
}

/**
 * Publishes the public half of a key whose private half is in a file, and says that it is in use: one that no gateway says so of for
 * a minute is retired. So gateways may be given a new file one after the other. Keys that are no file's retire.
 */
export async function keepFileKey(database: Database, { kid, publicJwk }: KeyPair): Promise<void> {
  const retiredAt = sql`now() + ${RETIRES}`;
  await database
    .insert(signingKeys)
    .values({ kid, publicJwk, retiredAt })
    .onConflictDoUpdate({ target: signingKeys.kid, set: { retiredAt } });
  await database.update(signingKeys).set({ retiredAt }).where(isNull(signingKeys.retiredAt));
}

async function isYoung(database: Database | Transaction, days: number): Promise<boolean> {
  const [young] = await database
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
  return young !== undefined;
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
