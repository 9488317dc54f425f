import { Inject, Injectable } from '@nestjs/common';
import { and, asc, eq, gte, inArray, lte, max, type SQL, sql } from 'drizzle-orm';
import { DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { importChunks, importRows, imports } from '../../database/schema.records.js';
import { CHUNK_ROWS } from '../writing/chunk.store.js';
import type { RowsQuery } from './import.query.js';

type Row = typeof importRows.$inferSelect;
type RowPage = { readonly rows: readonly Row[]; readonly total: number };
type Window = { readonly skip: number; readonly limit: number };
type CountedState = Exclude<NonNullable<RowsQuery['state']>, 'pending'>;

const CHUNKS_AT_ONCE = 2;
const SNAPSHOT = { isolationLevel: 'repeatable read', accessMode: 'read only' } as const;

/**
 * Reads rows of an import in the order of the file. The counts of each chunk show which chunks contain matching rows, and only these chunks
 * are read. A list of five million rows therefore needs no full scan. The counts are valid after the inspection.
 */
@Injectable()
export class RowPages {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** A page of rows, and the total number of rows in the requested state. */
  page(id: string, { state, page, limit }: RowsQuery): Promise<RowPage> {
    const window = { skip: (page - 1) * limit, limit };
    // Counts and rows are read from one snapshot, because a bundle can end between the two reads.
    return this.database.transaction((transaction) => {
      if (state === undefined) return all(transaction, id, window);
      return state === 'pending' ? pending(transaction, id, window) : ofState(transaction, id, state, window);
    }, SNAPSHOT);
  }

  /** Yields the rows that match `rowCondition` in batches, from the chunks that match `chunkCondition`. */
  async *batches(id: string, chunkCondition: SQL, rowCondition: SQL): AsyncGenerator<Row[]> {
    const chunks = await this.database
      .select({ chunk: importChunks.chunk })
      .from(importChunks)
      .where(and(eq(importChunks.importId, id), chunkCondition))
      .orderBy(asc(importChunks.chunk));
    for (let at = 0; at < chunks.length; at += CHUNKS_AT_ONCE) {
      const some = chunks.slice(at, at + CHUNKS_AT_ONCE).map(({ chunk }) => chunk);
      const rows = await this.database
        .select()
        .from(importRows)
        .where(and(eq(importRows.importId, id), inArray(importRows.chunk, some), rowCondition))
        .orderBy(asc(importRows.row));
      if (rows.length > 0) yield rows;
    }
  }
}

/** A page of all rows. Every chunk but the last has the same number of rows, so the page is in a few chunks. */
async function all(transaction: Transaction, id: string, { skip, limit }: Window): Promise<RowPage> {
  const ofImport = eq(importRows.importId, id);
  const [last] = await transaction
    .select({ chunk: max(importRows.chunk) })
    .from(importRows)
    .where(ofImport);
  if (last === undefined || last.chunk === null) return { rows: [], total: 0 };
  const full = last.chunk * CHUNK_ROWS;
  const total =
    full + (await transaction.$count(importRows, and(ofImport, eq(importRows.chunk, last.chunk))));
  const first = Math.floor(skip / CHUNK_ROWS);
  if (skip >= total) return { rows: [], total };
  const chunks = [
    gte(importRows.chunk, first),
    lte(importRows.chunk, Math.floor((skip + limit - 1) / CHUNK_ROWS)),
  ];
  const rows = await transaction
    .select()
    .from(importRows)
    .where(and(ofImport, ...chunks))
    .orderBy(asc(importRows.row))
    .limit(limit)
    .offset(skip - first * CHUNK_ROWS);
  return { rows, total };
}

/**
 * A page of the pending rows. Chunks have no count of pending rows, so the function searches every chunk that is not done in the current
 * run.
 */
async function pending(transaction: Transaction, id: string, { skip, limit }: Window): Promise<RowPage> {
  const { created, updated, unchanged, rejected, waiting, duplicate } = importChunks;
  const done = sql`${created} + ${updated} + ${unchanged} + ${rejected} + ${waiting} + ${duplicate}`;
  const [record] = await transaction
    .select({ rows: imports.rowsTotal, run: imports.run })
    .from(imports)
    .where(eq(imports.id, id));
  const [sum] = await transaction
    .select({ rows: sql<number>`coalesce(sum(${done}), 0)::int` })
    .from(importChunks)
    .where(eq(importChunks.importId, id));
  const total = Math.max(0, (record?.rows ?? 0) - (sum?.rows ?? 0));
  if (skip >= total) return { rows: [], total };
  const open = sql`${importRows.chunk} in (
    select chunk from import_chunks where import_id = ${id} and run_done < ${record?.run ?? 0})`;
  const rows = await transaction
    .select()
    .from(importRows)
    .where(and(eq(importRows.importId, id), eq(importRows.state, 'pending'), open))
    .orderBy(asc(importRows.row))
    .limit(limit)
    .offset(skip);
  return { rows, total };
}

async function ofState(
  transaction: Transaction,
  id: string,
  state: CountedState,
  { skip, limit }: Window,
): Promise<RowPage> {
  const number = importChunks[state];
  const [sum] = await transaction
    .select({ rows: sql<number>`coalesce(sum(${number}), 0)::int` })
    .from(importChunks)
    .where(eq(importChunks.importId, id));
  const total = sum?.rows ?? 0;
  if (skip >= total) return { rows: [], total };
  const holding = await transaction.execute<{ chunk: number; before: number }>(sql`
    select chunk, before::int from (
      select chunk, ${number} as number, sum(${number}) over (order by chunk) - ${number} as before
      from import_chunks where import_id = ${id}) counted
    where number > 0 and before < ${skip + limit} and before + number > ${skip} order by chunk`);
  const chunks = holding.map(({ chunk }) => chunk);
  const rows = await transaction
    .select()
    .from(importRows)
    .where(and(eq(importRows.importId, id), eq(importRows.state, state), inArray(importRows.chunk, chunks)))
    .orderBy(asc(importRows.row))
    .limit(limit)
    .offset(skip - (holding[0]?.before ?? 0));
  return { rows, total };
}
