/** How PostgreSQL refused: it did not finish in time, or it is away or without room for now. */
export type DatabaseRefusal = 'late' | 'away';

/** Statements ended by a limit of time, and those that waited for each other (query_canceled, lock_not_available, deadlock_detected, serialization_failure). */
const LATE = new Set(['57014', '55P03', '40P01', '40001', '25P03', '25P04']);

/**
 * Classes of SQLSTATE that say nothing about the statement: connection, sign-in to the database, no such database, resources, limits,
 * object state, operator, system, configuration, internal. What is left (data, constraints, syntax) is a defect of the gateway.
 */
const AWAY = new Set(['08', '28', '3D', '53', '54', '55', '57', '58', 'F0', 'XX']);

/** Also not of the statement: a standby or a database that is read-only, a missing privilege, a table or column that is not there before `npm run migrate`. */
const NOT_READY = new Set(['25006', '42501', '42P01', '42703', '42883']);

const SQLSTATE = /^[0-9A-Z]{5}$/;

/** Whether an error, or what caused it, is PostgreSQL refusing to work at all; `undefined` for everything else. */
export function databaseRefusal(error: unknown): DatabaseRefusal | undefined {
  for (let depth = 0, at = error; depth < 4 && typeof at === 'object' && at !== null; depth += 1) {
    if ('code' in at && typeof at.code === 'string' && SQLSTATE.test(at.code)) return refusalBy(at.code);
    at = 'cause' in at ? at.cause : undefined;
  }
  return undefined;
}

function refusalBy(state: string): DatabaseRefusal | undefined {
  if (LATE.has(state)) return 'late';
  return AWAY.has(state.slice(0, 2)) || NOT_READY.has(state) ? 'away' : undefined;
}
