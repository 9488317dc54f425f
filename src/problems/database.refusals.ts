import { isConnectionLoss } from './connection.loss.js';

/**
 * Why PostgreSQL refused a statement. `late`: the statement did not finish in time. `away`: PostgreSQL is unavailable or out of resources.
 */
export type DatabaseRefusal = 'late' | 'away';

/**
 * Timeouts and lock conflicts: query_canceled, lock_not_available, deadlock_detected, serialization_failure, and the two session timeouts.
 */
const LATE = new Set(['57014', '55P03', '40P01', '40001', '25P03', '25P04']);

/**
 * SQLSTATE classes of errors that the statement did not cause: connection, authentication, missing database, resources, limits, object
 * state, operator, system, configuration, internal. The other classes (data, constraints, syntax) are defects of the gateway.
 */
const AWAY = new Set(['08', '28', '3D', '53', '54', '55', '57', '58', 'F0', 'XX']);

/**
 * Further errors that the statement did not cause: a read-only database, a missing privilege, and a table or column that `npm run migrate`
 * has not created yet.
 */
const NOT_READY = new Set(['25006', '42501', '42P01', '42703', '42883']);

/** SQLSTATE classes of errors that end although nobody changes the statement: connection, resources, operator, system. */
const TEMPORARY = new Set(['08', '53', '57', '58']);

const SQLSTATE = /^[0-9A-Z]{5}$/;

/** Returns why PostgreSQL refused a statement, according to an error or its cause. Returns `undefined` for every other error. */
export function databaseRefusal(error: unknown): DatabaseRefusal | undefined {
  const state = sqlStateOf(error);
  if (state === undefined) return undefined;
  if (LATE.has(state)) return 'late';
  return AWAY.has(state.slice(0, 2)) || NOT_READY.has(state) ? 'away' : undefined;
}

/** Whether the same statement can succeed later, according to an error or its cause. */
export function isTemporary(error: unknown): boolean {
  const state = sqlStateOf(error) ?? '';
  return isConnectionLoss(error) || LATE.has(state) || TEMPORARY.has(state.slice(0, 2));
}

function sqlStateOf(error: unknown): string | undefined {
  for (let depth = 0, at = error; depth < 4 && typeof at === 'object' && at !== null; depth += 1) {
    if ('code' in at && typeof at.code === 'string' && SQLSTATE.test(at.code)) return at.code;
    at = 'cause' in at ? at.cause : undefined;
  }
  return undefined;
}
