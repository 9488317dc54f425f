import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type postgres from 'postgres';
import { BACKGROUND_POSTGRES } from '../../database/database.module.js';

/**
 * Advisory locks of PostgreSQL. Only one transaction at a time writes a patient. No bundle of an import is written while the import is
 * inspected, reset or undone. The locks belong to a database connection, so PostgreSQL releases them when the process ends. The locks on
 * patients are always taken in the same order to prevent deadlocks.
 */
@Injectable()
export class ImportLocks {
  constructor(@Inject(BACKGROUND_POSTGRES) private readonly sql: postgres.Sql) {}

  /** Runs `work` with exclusive locks on the patients and a shared lock on the import. Throws after the statement timeout. */
  async withBundleLocks<T>(
    importId: string,
    patients: readonly string[],
    work: () => Promise<T>,
  ): Promise<T> {
    return this.withLocks(async (connection) => {
      await connection`select pg_advisory_lock_shared(${BUNDLES}::bigint)`;
      await connection`select pg_advisory_lock_shared(${ofImport(importId)}::bigint)`;
      await lockAll(connection, patients);
    }, work);
  }

  /** Runs `work` with exclusive locks on the patients, for a caller that has locked the import. */
  async withPatientLocks<T>(patients: readonly string[], work: () => Promise<T>): Promise<T> {
    return this.withLocks((connection) => lockAll(connection, patients), work);
  }

  /** Runs `work` with an exclusive lock on the import. Throws after the statement timeout. */
  async withImportLock<T>(importId: string, work: () => Promise<T>): Promise<T> {
    return this.withLocks(async (connection) => {
      await connection`select pg_advisory_lock(${ofImport(importId)}::bigint)`;
    }, work);
  }

  /** Waits until every running bundle, of any import in any process, has ended. Throws after the statement timeout. */
  async waitForBundles(): Promise<void> {
    await this.withLocks(async (connection) => {
      await connection`select pg_advisory_lock(${BUNDLES}::bigint)`;
    }, noWork);
  }

  private async withLocks<T>(
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

/** Whether PostgreSQL cancelled a statement because of the statement timeout. This happens when another process holds the lock. */
export function isLockTimeout(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === '57014';
}

async function lockAll(connection: postgres.ReservedSql, patients: readonly string[]): Promise<void> {
  const numbers = [...new Set(patients.map((key) => numberOf(`patient ${key}`)))].sort((one, other) =>
    one < other ? -1 : 1,
  );
  await connection`select pg_advisory_lock(key) from unnest(${numbers.map(String)}::bigint[]) key`;
}

/** Every running bundle holds this lock in shared mode. */
const BUNDLES = numberOf('imports bundles').toString();

const noWork = async (): Promise<void> => undefined;

const ofImport = (importId: string): string => numberOf(`import ${importId}`).toString();

function numberOf(text: string): bigint {
  return createHash('sha256').update(text).digest().readBigInt64BE();
}
