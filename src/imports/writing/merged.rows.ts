import { Inject, Injectable } from '@nestjs/common';
import { and, asc, eq, inArray } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database } from '../../database/database.module.js';
import { importChunks, importRows } from '../../database/schema.records.js';
import { mergePlans } from '../../mapping/duplicates.js';
import { mapRow } from '../../mapping/row.mapping.js';
import type { MappingContext, RowPlan } from '../../mapping/row.plan.js';
import { SealedBox } from '../../secrets/sealed.box.js';
import { chunkPurpose, unpackRows } from '../jobs/chunk.content.js';
import { cellsByColumn, type CsvRow } from '../../csv/csv.reader.js';
import { headerOf, readSource } from '../jobs/import.source.js';
import type { ImportRecord } from '../jobs/imports.service.js';
import type { StoredMapping } from '../jobs/mappings.service.js';
import type { PlannedRow } from './row.decision.js';

/** Rows of a file as they were sealed, and the policy `merge`: several rows of one patient are written as one. */
@Injectable()
export class MergedRows {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly box: SealedBox,
  ) {}

  /** The rows of some chunks, by their number. */
  async read(importId: string, chunks: readonly number[]): Promise<Map<number, CsvRow>> {
    const stored = await this.database
      .select({ sealed: importChunks.sealed })
      .from(importChunks)
      .where(and(eq(importChunks.importId, importId), inArray(importChunks.chunk, [...chunks])));
    const rows = stored.flatMap(({ sealed }) => unpackRows(this.box.open(chunkPurpose(importId), sealed)));
    return new Map(rows.map((row) => [row.row, row]));
  }

  /** Each row with what the other rows of its patient say, in the order of the file. Other policies leave them as they are. */
  async united(
    record: ImportRecord,
    { document }: StoredMapping,
    rows: readonly PlannedRow[],
    context: MappingContext,
  ): Promise<PlannedRow[]> {
    if (document.policies.duplicate_in_file !== 'merge' || rows.length === 0) return [...rows];
    const others = await this.database
      .select()
      .from(importRows)
      .where(
        and(
          eq(importRows.importId, record.id),
          inArray(
            importRows.leader,
            rows.map(({ row }) => row),
          ),
        ),
      )
      .orderBy(asc(importRows.row));
    const read = await this.read(record.id, [...new Set(others.map(({ chunk }) => chunk))]);
    const header = headerOf(readSource(record.source));
    const plans = new Map<string, RowPlan[]>();
    for (const { row } of others) {
      const cells = read.get(row)?.cells ?? [];
      const mapped = mapRow(document, cellsByColumn(cells, header), context);
      if (mapped.outcome === 'planned')
        plans.set(mapped.plan.patientKey, [...(plans.get(mapped.plan.patientKey) ?? []), mapped.plan]);
    }
    return rows.map(({ row, plan, issues }) => ({
      row,
      issues,
      plan: (plans.get(plan.patientKey) ?? []).reduce(mergePlans, plan),
    }));
  }
}
