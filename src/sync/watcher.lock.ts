import type postgres from 'postgres';

const WATCHER_LOCK = 7_263_412;

/**
 * Takes the lock of the watcher on this connection, or confirms it; false when another gateway has it. Called before each tick, because a
 * connection that was lost and opened again has lost the lock.
 */
export async function takeWatcherLock(connection: postgres.ReservedSql): Promise<boolean> {
  const [lock] = await connection<{ held: boolean }[]>`select pg_try_advisory_lock(${WATCHER_LOCK}) as held`;
  return lock?.held === true;
}
