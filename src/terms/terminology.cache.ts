import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { and, eq, gt, lt, sql } from 'drizzle-orm';
import type { z } from 'zod';
import { DATABASE, type Database } from '../database/database.module.js';
import { terminologyAnswers } from '../database/schema.records.js';

/** Terminologies change twice a year at most, what is loaded into a server now and then. */
const HOURS = 24;

/** Answers of a terminology server, kept for a day in PostgreSQL for all gateways; failures are not kept. */
@Injectable()
export class TerminologyCache {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** The kept answer to a question, or what `ask` gives, which is kept. `shape` reads it again: `ask` must give JSON. */
  async kept<Schema extends z.ZodType>(
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
