import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type postgres from 'postgres';
import { POSTGRES } from '../database/database.module.js';

/**
 * One patient is never in two transactions at once, whoever sends them: their keys are advisory locks of one connection, taken in one
 * order by everybody, and free at once when the process dies.
 */
@Injectable()
export class PatientLocks {
  constructor(@Inject(POSTGRES) private readonly sql: postgres.Sql) {}

  /** Runs `work` while nobody else works on these patients. Waiting longer than a statement may take is an error. */
  async holding<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const numbers = [...new Set(keys.map(numberOf))].sort((one, other) => (one < other ? -1 : 1));
    const connection = await this.sql.reserve();
    try {
      await connection`select pg_advisory_lock(key) from unnest(${numbers.map(String)}::bigint[]) key`;
      return await work();
    } finally {
      await connection`select pg_advisory_unlock_all()`.catch(() => undefined);
      connection.release();
    }
  }
}

function numberOf(key: string): bigint {
  return createHash('sha256').update(`patient ${key}`).digest().readBigInt64BE();
}
