import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { and, eq, gt, lt, sql } from 'drizzle-orm';
import type { z } from 'zod';
import { DATABASE, type Database } from '../database/database.module.js';
import { terminologyAnswers } from '../database/schema.records.js';

/** The lifetime of a cache entry. Terminologies change about twice a year, but an operator may load another edition at any time. */
const HOURS = 24;

/** Caches responses of a terminology server in PostgreSQL for a day, for all gateways. Failures are not cached. */
@Injectable()
export class TerminologyCache {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Returns the cached answer to a question. If the answer is not cached, calls `ask` and caches the result as JSON. `shape` parses the
   * answer in both cases.
   */
  async get<Schema extends z.ZodType>(
    question: readonly string[],
    shape: Schema,
    ask: () => Promise<z.input<Schema>>,
  ): Promise<z.output<Schema>> {
    const key = createHash('sha256').update(JSON.stringify(question)).digest();
    const [row] = await this.database
      .select()
      .from(terminologyAnswers)
      .where(and(eq(terminologyAnswers.key, key), gt(terminologyAnswers.expiresAt, sql`now()`)));
    const known = shape.safeParse(row?.answer);
    if (row !== undefined && known.success) return known.data;
    const answer = shape.parse(await ask());
    const values = { key, answer, expiresAt: sql`now() + make_interval(hours => ${HOURS})` };
    await this.database
      .insert(terminologyAnswers)
      .values(values)
      .onConflictDoUpdate({ target: terminologyAnswers.key, set: values });
    await this.database.delete(terminologyAnswers).where(lt(terminologyAnswers.expiresAt, sql`now()`));
    return answer;
  }
}
