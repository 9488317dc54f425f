import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type postgres from 'postgres';
import { BACKGROUND_POSTGRES } from '../../database/database.module.js';

/**
 * One patient is never in two transactions at once, whoever sends them, and nothing is written for an import while it is read or taken
 * back: advisory locks of one connection, taken in one order by everybody, and free at once when the process dies.
 */
@Injectable()
export class ImportLocks {
  constructor(@Inject(BACKGROUND_POSTGRES) private readonly sql: postgres.Sql) {}

  /** Runs `work` while nobody else works on these patients, and nobody has the import alone. Waiting longer than a statement may take is an error. */
  async writing<T>(importId: string, patients: readonly string[], work: () => Promise<T>): Promise<T> {
    return this.holding(async (connection) => {
      await connection`select pg_advisory_lock_shared(${BUNDLES}::bigint)`;
      await connection`select pg_advisory_lock_shared(${ofImport(importId)}::bigint)`;
      await lockAll(connection, patients);
    }, work);
  }

  /** Runs `work` while nobody else works on these patients; for whoever has the import alone already. */
  async ofPatients<T>(patients: readonly string[], work: () => Promise<T>): Promise<T> {
    return this.holding((connection) => lockAll(connection, patients), work);
  }

  /** Runs `work` while nothing else is done for the import. Waiting longer than a statement may take is an error. */
  async alone<T>(importId: string, work: () => Promise<T>): Promise<T> {
    return this.holding(async (connection) => {
      await connection`select pg_advisory_lock(${ofImport(importId)}::bigint)`;
    }, work);
  }

  /** Waits until every bundle that is under way now, of any import and in any process, has ended. Waiting longer than a statement may take is an error. */
  async bundlesEnded(): Promise<void> {
    await this.holding(async (connection) => {
      await connection`select pg_advisory_lock(${BUNDLES}::bigint)`;
    }, nothing);
  }

  private async holding<T>(
    take: (connection: postgres.ReservedSql) => Promise<void>,
    work: () => Promise<T>,
  ): Promise<T> {
    const connection = await this.sql.reserve();
    try {
      await take(connection);
      return await work();
    } finally {
      await connection`select pg_advisory_unlock_all()`.catch(() => undefined);
      connection.release();
    }
  }
}

/** Postgres ended a statement that waited too long: somebody else works on these patients, or this import. */
export function isLockTimeout(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === '57014';
}

async function lockAll(connection: postgres.ReservedSql, patients: readonly string[]): Promise<void> {
  const numbers = [...new Set(patients.map((key) => numberOf(`patient ${key}`)))].sort((one, other) =>
    one < other ? -1 : 1,
  );
  await connection`select pg_advisory_lock(key) from unnest(${numbers.map(String)}::bigint[]) key`;
}

/** Held, shared, by every bundle under way. */
const BUNDLES = numberOf('imports bundles').toString();

const nothing = async (): Promise<void> => undefined;

const ofImport = (importId: string): string => numberOf(`import ${importId}`).toString();

function numberOf(text: string): bigint {
  return createHash('sha256').update(text).digest().readBigInt64BE();
}
