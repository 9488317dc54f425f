import { deflateSync, inflateSync } from 'node:zlib';
import { Inject, Injectable } from '@nestjs/common';
import { and, asc, eq, inArray } from 'drizzle-orm';
import { z } from 'zod';
import { DATABASE, type Database } from '../../database/database.module.js';
import { importChanges, type importRows } from '../../database/schema.records.js';
import { SealedBox } from '../../secrets/sealed.box.js';

/** A changed element of a resource, with the values before and after the change. An absent value is undefined. */
export interface FieldChange {
  readonly resource: string;
  readonly element: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

interface RowChange {
  readonly row: number;
  readonly changes: readonly FieldChange[];
}

const PURPOSE = 'import changes';
const Packed = z.array(z.tuple([z.int(), z.unknown()]));
const FASTEST = { level: 1 };
/** Only rows in these states have changes. */
const STATES_WITH_CHANGES = new Set(['created', 'updated', 'unchanged', 'waiting']);

/**
 * Stores the changed elements of rows. The changes are patient data, so they are encrypted. The changes of one bundle are stored together.
 */
@Injectable()
export class RowChanges {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly box: SealedBox,
  ) {}

  /** Compresses and encrypts the changes of some rows together. */
  seal(rows: readonly RowChange[]): Buffer {
    const packed = deflateSync(JSON.stringify(rows.map(({ row, changes }) => [row, changes])), FASTEST);
    return this.box.seal(PURPOSE, packed);
  }

  /** The changes of some rows of an import, by row number. */
  async of(
    importId: string,
    rows: readonly (typeof importRows.$inferSelect)[],
  ): Promise<ReadonlyMap<number, unknown>> {
    const compared = rows.filter(({ state }) => STATES_WITH_CHANGES.has(state));
    const found = new Map<number, unknown>();
    // Earlier versions stored the changes in a column of the row.
    for (const { row, changes } of compared)
      if (changes !== null) found.set(row, JSON.parse(this.box.open(PURPOSE, changes).toString()));
    const chunks = [...new Set(compared.map(({ chunk }) => chunk))];
    if (chunks.length === 0) return found;
    const stored = await this.database
      .select({ sealed: importChanges.sealed })
      .from(importChanges)
      .where(and(eq(importChanges.importId, importId), inArray(importChanges.chunk, chunks)))
      .orderBy(asc(importChanges.id));
    const wanted = new Set(compared.map(({ row }) => row));
    for (const { sealed } of stored)
      for (const [row, changes] of Packed.parse(
        JSON.parse(inflateSync(this.box.open(PURPOSE, sealed)).toString()),
      ))
        if (wanted.has(row)) found.set(row, changes);
    return found;
  }
}
