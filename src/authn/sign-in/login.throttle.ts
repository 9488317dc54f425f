import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { and, eq, gt, gte, or, sql } from 'drizzle-orm';
import { DATABASE, type Database } from '../../database/database.module.js';
import { loginFailures } from '../../database/schema.access.js';
import { TooMany } from '../../problems/errors.js';
import { LoginConcurrency } from '../../limits/login.concurrency.js';

const WINDOW_SECONDS = 300;
const WINDOW = sql.raw(`interval '${WINDOW_SECONDS} seconds'`);
/**
 * The limit for wrong passwords for one name from one address. At this limit, sign-ins with this name from this address are rejected until
 * the window ends.
 */
const PAIR_LIMIT = 10;
/** The limit for wrong passwords from one address. This limit is higher, because a whole hospital can use one address. */
const ADDRESS_LIMIT = 200;
/**
 * The limit for wrong passwords for one name from all addresses. At this limit, sign-ins are only delayed, because a stranger must not be
 * able to lock the owner out.
 */
const NAME_LIMIT = 50;
const NAME_DELAY_MS = 1500;
/**
 * The limit for wrong second factors of one account from all addresses. Whoever reaches it knows the password, so a delay would not be
 * enough: a code has only six digits.
 */
const FACTOR_LIMIT = 20;

interface Limit {
  readonly subject: string;
  readonly limit: number;
}

/**
 * Limits the number of wrong passwords. Wrong passwords are counted in PostgreSQL for all gateways together, in a window of five minutes.
 * An account is never locked.
 */
@Injectable()
export class LoginThrottle {
  private readonly attempts = new LoginConcurrency();

  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Begins an attempt and returns the function that ends the attempt. Throws {@link TooMany} when too many attempts run at the same time.
   * This check needs no query to PostgreSQL.
   */
  enter(name: string, address: string): () => void {
    return this.attempts.enter(networkOf(address), [pairOf(name, address), addressOf(address)]);
  }

  /**
   * Waits 1.5 seconds when the name has too many wrong passwords from all addresses. Call this before the attempt takes a slot for its
   * password check.
   */
  async slow(name: string): Promise<void> {
    const [over] = await this.over([{ subject: nameOf(name), limit: NAME_LIMIT }]);
    if (over !== undefined) await sleep(NAME_DELAY_MS);
  }

  /** Throws {@link TooMany} after too many wrong passwords from this address: either for this name, or for all names together. */
  check(name: string, address: string): Promise<void> {
    return this.refuse([
      { subject: pairOf(name, address), limit: PAIR_LIMIT },
      { subject: addressOf(address), limit: ADDRESS_LIMIT },
    ]);
  }

  /** Like {@link check}, and also throws {@link TooMany} after too many wrong second factors of the account. */
  checkFactor(name: string, address: string, accountId: string): Promise<void> {
    return this.refuse([
      { subject: pairOf(name, address), limit: PAIR_LIMIT },
      { subject: addressOf(address), limit: ADDRESS_LIMIT },
      { subject: factorOf(accountId), limit: FACTOR_LIMIT },
    ]);
  }

  private async refuse(limits: readonly Limit[]): Promise<void> {
    const [over] = await this.over(limits);
    if (over === undefined) return;
    const seconds = Math.max(1, over.left);
    this.attempts.mustWait(over.subject, seconds);
    throw new TooMany('too-many-sign-ins', seconds);
  }

  /** Counts a wrong password. */
  failed(name: string, address: string): Promise<void> {
    return this.count([pairOf(name, address), addressOf(address), nameOf(name)]);
  }

  /** Counts a wrong second factor. It also counts as a wrong password. */
  failedFactor(name: string, address: string, accountId: string): Promise<void> {
    return this.count([pairOf(name, address), addressOf(address), nameOf(name), factorOf(accountId)]);
  }

  private async count(subjects: string[]): Promise<void> {
    // All transactions update the rows in the same order, which avoids deadlocks.
    subjects.sort((one, other) => (one < other ? -1 : 1));
    const over = sql`${loginFailures.windowStart} < now() - ${WINDOW}`;
    await this.database
      .insert(loginFailures)
      .values(subjects.map((subject) => ({ subject, failures: 1, windowStart: sql`now()` })))
      .onConflictDoUpdate({
        target: loginFailures.subject,
        set: {
          failures: sql`case when ${over} then 1 else ${loginFailures.failures} + 1 end`,
          windowStart: sql`case when ${over} then now() else ${loginFailures.windowStart} end`,
        },
      });
  }

  /** Deletes the count of wrong passwords for this name from this address. */
  async succeeded(name: string, address: string): Promise<void> {
    await this.database.delete(loginFailures).where(eq(loginFailures.subject, pairOf(name, address)));
  }

  /** The subjects that have reached their limit in the current window, with the number of seconds until the window ends. */
  private async over(
    limits: readonly Limit[],
  ): Promise<{ readonly subject: string; readonly left: number }[]> {
    return this.database
      .select({
        subject: loginFailures.subject,
        left: sql<number>`ceil(extract(epoch from ${loginFailures.windowStart} + ${WINDOW} - now()))::int`,
      })
      .from(loginFailures)
      .where(
        and(
          or(
            ...limits.map(({ subject, limit }) =>
              and(eq(loginFailures.subject, subject), gte(loginFailures.failures, limit)),
            ),
          ),
          gt(loginFailures.windowStart, sql`now() - ${WINDOW}`),
        ),
      );
  }
}

/** Hashes the parts of a subject, because people sometimes type a password into the name field. */
function hashed(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('base64url');
}

const nameOf = (name: string) => hashed('name', name.toLowerCase());
const factorOf = (accountId: string) => hashed('factor', accountId);
const addressOf = (address: string) => hashed('address', networkOf(address));
const pairOf = (name: string, address: string) => hashed('pair', name.toLowerCase(), networkOf(address));

/** The IPv4 address, or the /64 network of an IPv6 address, because one subscriber usually has a whole /64 network. */
function networkOf(address: string): string {
  if (!isIPv6(address) || /^::ffff:/i.test(address)) return address.replace(/^::ffff:/i, '');
  const [head = '', tail] = address.split('%', 1).join('').split('::');
  const groups = head.split(':').filter((group) => group !== '');
  const after = tail === undefined ? [] : tail.split(':').filter((group) => group !== '');
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - after.length) }, () => '0');
  return [...groups, ...zeros, ...after].slice(0, 4).join(':').toLowerCase();
}
