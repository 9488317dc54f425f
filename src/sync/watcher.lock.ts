import type postgres from 'postgres';

const WATCHER_LOCK = 7_263_412;

/**
 * Takes the watcher's lock on this connection, or confirms that the connection has it. Returns false if another gateway has the lock.
 * Called before each tick, because a connection that was closed and opened again no longer has the lock.
 */
export async function takeWatcherLock(connection: postgres.ReservedSql): Promise<boolean> {
  const [lock] = await connection<{ held: boolean }[]>`select pg_try_advisory_lock(${WATCHER_LOCK}) as held`;
  return lock?.held === true;
}
