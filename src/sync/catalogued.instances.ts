import { inArray, sql } from 'drizzle-orm';
import { unionAll } from 'drizzle-orm/pg-core';
import { z } from 'zod';
import type { Database, Transaction } from '../database/database.module.js';
import { instances, rejectedInstances } from '../database/schema.catalog.js';

// Each function reads both tables in one statement, because an instance can move from one table to the other between two statements.

/** Returns the Orthanc ids among `ids` that the catalog has: those of visible and of rejected instances. */
export async function cataloguedOf(
  within: Database | Transaction,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const among = (table: typeof instances | typeof rejectedInstances) =>
    within
      .select({ id: table.orthancId })
      .from(table)
      .where(inArray(table.orthancId, [...ids]));
  const rows = await unionAll(among(instances), among(rejectedInstances));
  return new Set(rows.map(({ id }) => id));
}

/** Returns the SOP Instance UIDs among `uids` that the catalog has: those of visible and of rejected instances. */
export async function knownUidsOf(tx: Transaction, uids: readonly string[]): Promise<ReadonlySet<string>> {
  const among = (table: typeof instances | typeof rejectedInstances) =>
    tx
      .select({ uid: table.sopUid })
      .from(table)
      .where(inArray(table.sopUid, [...uids]));
  const rows = await unionAll(among(instances), among(rejectedInstances));
  return new Set(rows.map(({ uid }) => uid));
}

const Holder = z.object({ orthanc_id: z.string() });

/** Returns the Orthanc id that the catalog has for this SOP Instance UID. The instance can be rejected. */
export async function holderOf(tx: Transaction, sopUid: string): Promise<string | undefined> {
  const [row] = await tx.execute(sql`
    select orthanc_id from instances where sop_uid = ${sopUid}
    union all select orthanc_id from rejected_instances where sop_uid = ${sopUid}`);
  return row === undefined ? undefined : Holder.parse(row).orthanc_id;
}
