import { Inject, Injectable } from '@nestjs/common';
import { and, eq, inArray } from 'drizzle-orm';
import { z } from 'zod';
import type { CsvRow } from '../../csv/csv.reader.js';
import { BACKGROUND_DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { importChunks } from '../../database/schema.records.js';
import { SealedBox } from '../../secrets/sealed.box.js';
import { ChunkPlans, packPlans, type StoredPlan } from './chunk.plans.js';

/** The number of rows in a chunk. The last chunk of an import may have fewer rows. Stored chunks depend on it: never change it. */
export const CHUNK_ROWS = 500;

const Rows = z.array(z.tuple([z.int(), z.int(), z.array(z.string())]));

const rowsPurpose = (importId: string): string => `import rows ${importId}`;
const plansPurpose = (importId: string): string => `import plans ${importId}`;

/** A stored chunk: the rows, and the plans that the inspection made for the rows. */
export interface StoredChunk {
  readonly rows: readonly CsvRow[];
  readonly plans: ChunkPlans;
  /** The writes that were sent but whose responses were not stored. `readSent` parses these writes. */
  readonly sent: unknown;
}

/** Stores the rows of uploaded files in encrypted chunks. The issues of a row are stored with the state of the row, not here. */
@Injectable()
export class ChunkStore {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly box: SealedBox,
  ) {}

  /** Stores a chunk with the plans of its rows. */
  async insert(
    transaction: Transaction,
    importId: string,
    chunk: number,
    rows: readonly CsvRow[],
    plans: readonly StoredPlan[],
  ): Promise<void> {
    const packed = Buffer.from(JSON.stringify(rows.map(({ row, line, cells }) => [row, line, cells])));
    await transaction.insert(importChunks).values({
      importId,
      chunk,
      sealed: this.box.seal(rowsPurpose(importId), packed),
      plans: this.box.seal(plansPurpose(importId), packPlans(plans)),
    });
  }

  /** The rows of some chunks, by row number. */
  async rows(importId: string, chunks: readonly number[]): Promise<Map<number, CsvRow>> {
    const stored = await this.database
      .select({ sealed: importChunks.sealed })
      .from(importChunks)
      .where(and(eq(importChunks.importId, importId), inArray(importChunks.chunk, [...chunks])));
    const rows = stored.flatMap(({ sealed }) => this.openRows(importId, sealed));
    return new Map(rows.map((row) => [row.row, row]));
  }

  /** One chunk with its plans. The result has no rows when the chunk does not exist. */
  async open(importId: string, chunk: number): Promise<StoredChunk> {
    const [stored] = await this.database
      .select()
      .from(importChunks)
      .where(and(eq(importChunks.importId, importId), eq(importChunks.chunk, chunk)));
    if (stored === undefined) return { rows: [], plans: new ChunkPlans(), sent: {} };
    const { sealed, plans, sent } = stored;
    const packed = plans === null ? undefined : this.box.open(plansPurpose(importId), plans);
    return { rows: this.openRows(importId, sealed), plans: new ChunkPlans(packed), sent };
  }

  private openRows(importId: string, sealed: Buffer): CsvRow[] {
    const opened = this.box.open(rowsPurpose(importId), sealed).toString();
    return Rows.parse(JSON.parse(opened)).map(([row, line, cells]) => ({ row, line, cells }));
  }
}
