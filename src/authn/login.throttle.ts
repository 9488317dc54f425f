import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { eq, inArray, sql } from 'drizzle-orm';
import { DATABASE, type Database } from '../database/database.module.js';
import { loginFailures } from '../database/schema.js';
import { TooMany } from '../problems/errors.js';

const WINDOW_SECONDS = 300;
const WINDOW = sql.raw(`interval '${WINDOW_SECONDS} seconds'`);
/** Wrong passwords for one name from one address: after these the two wait for the rest of the five minutes. */
const PAIR_LIMIT = 10;
/** Many people may share an address (a hospital behind one), so it may fail more often. */
const ADDRESS_LIMIT = 200;
/** A name that fails everywhere is only slowed: no stranger can keep its owner out. */
const NAME_LIMIT = 50;
const NAME_DELAY_MS = 1500;

/** Where an attempt counts: rows of `login_failures`, hashed, since people type passwords into the wrong field. */
interface Subjects {
  readonly pair: string;
  readonly address: string;
  readonly name: string;
}

/** Counts wrong passwords in Postgres, for all gateways together; a window of five minutes, never a lasting lock. */
@Injectable()
export class LoginThrottle {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Throws {@link TooMany} while the pair or the address has failed too often; slows a name under attack. */
  async check(name: string, address: string): Promise<void> {
    const subjects = subjectsOf(name, address);
    const rows = await this.database
      .select({
        subject: loginFailures.subject,
        failures: loginFailures.failures,
        left: sql<number>`ceil(extract(epoch from ${loginFailures.windowStart} + ${WINDOW} - now()))::int`,
      })
      .from(loginFailures)
      .where(inArray(loginFailures.subject, Object.values(subjects)));
    const over = (subject: string, limit: number) =>
      rows.find((row) => row.subject === subject && row.left > 0 && row.failures >= limit);
    const refused = over(subjects.pair, PAIR_LIMIT) ?? over(subjects.address, ADDRESS_LIMIT);
    if (refused !== undefined) throw new TooMany(Math.max(1, refused.left));
    if (over(subjects.name, NAME_LIMIT) !== undefined) await sleep(NAME_DELAY_MS);
  }

  /** Counts a wrong password. */
  async failed(name: string, address: string): Promise<void> {
    // In one order everywhere, so that two statements cannot wait for each other's rows.
    const subjects = Object.values(subjectsOf(name, address)).sort((one, other) => (one < other ? -1 : 1));
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

  /** Forgets what a person mistyped here before the right password. */
  async succeeded(name: string, address: string): Promise<void> {
    await this.database
      .delete(loginFailures)
      .where(eq(loginFailures.subject, subjectsOf(name, address).pair));
  }
}

function subjectsOf(name: string, address: string): Subjects {
  const who = name.toLowerCase();
  const from = neighbourhood(address);
  return { pair: hashed('pair', who, from), address: hashed('address', from), name: hashed('name', who) };
}

const hashed = (...parts: string[]) => createHash('sha256').update(parts.join('\0')).digest('base64url');

/** One subscriber of IPv6 has a whole /64 to call from. */
function neighbourhood(address: string): string {
  if (!isIPv6(address) || /^::ffff:/i.test(address)) return address.replace(/^::ffff:/i, '');
  const [head = '', tail] = address.split('%', 1).join('').split('::');
  const groups = head.split(':').filter((group) => group !== '');
  const after = tail === undefined ? [] : tail.split(':').filter((group) => group !== '');
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - after.length) }, () => '0');
  return [...groups, ...zeros, ...after].slice(0, 4).join(':').toLowerCase();
}
