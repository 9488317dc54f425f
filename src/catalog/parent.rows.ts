import { sql } from 'drizzle-orm';
import type { Transaction } from '../database/database.module.js';

/** The ids of the rows of an instance's study and series. */
export interface ParentRows {
  readonly study: number;
  readonly series: number;
}

/**
 * Locks the study and then the series. All writers lock in this order, so that no deadlock is possible. After the lock, all concurrent
 * reservations are visible.
 */
export async function lockParents(tx: Transaction, ids: ParentRows): Promise<void> {
  await tx.execute(sql`select from studies where id = ${ids.study} for update`);
  await tx.execute(sql`select from series where id = ${ids.series} for update`);
}

/** Deletes the series, study and patient if they have no instances, reservations or rejected instances. The caller must first call {@link lockParents}. */
export async function deleteEmptyParents(tx: Transaction, ids: ParentRows): Promise<void> {
  await tx.execute(sql`
    delete from series where id = ${ids.series}
    and not exists (select from instances where series = ${ids.series})
    and not exists (select from pending where series = ${ids.series})
    and not exists (select from rejected_instances where series = ${ids.series})`);
  await tx.execute(sql`
    with gone as (
      delete from studies where id = ${ids.study} and not exists (select from series where study = ${ids.study})
      returning id, patient)
    delete from patients using gone where patients.id = gone.patient
    and not exists (select from studies other where other.patient = gone.patient and other.id <> gone.id)`);
}
