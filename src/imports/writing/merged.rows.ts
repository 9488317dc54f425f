import { Inject, Injectable } from '@nestjs/common';
import { and, asc, eq, inArray } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database } from '../../database/database.module.js';
import { importRows } from '../../database/schema.records.js';
import { choosePatient } from '../../mapping/records/chosen.patient.js';
import { mergePlans } from '../../mapping/duplicates.js';
import type { RowPlan } from '../../mapping/row.plan.js';
import { ChunkStore } from './chunk.store.js';
import type { PlannedRow } from './row.decision.js';
import type { RowMapper } from './row.mapper.js';

/**
 * Writes several rows of one patient as one row. The policy `merge` requests this, or a person has decided that the rows are about the same
 * person.
 */
@Injectable()
export class MergedRows {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly chunks: ChunkStore,
  ) {}

  /** Merges into each given row all later rows of the same patient, in the order of the file. Reads one chunk at a time. */
  async merge(importId: string, rows: readonly PlannedRow[], mapper: RowMapper): Promise<PlannedRow[]> {
    if (rows.length === 0) return [];
    const later = await this.database
      .select({ row: importRows.row, chunk: importRows.chunk })
      .from(importRows)
      .where(
        and(
          eq(importRows.importId, importId),
          inArray(
            importRows.leader,
            rows.map(({ row }) => row),
          ),
        ),
      )
      .orderBy(asc(importRows.row));
    if (later.length === 0) return [...rows];
    const found = new Map<string, RowPlan[]>();
    for (const [chunk, members] of Map.groupBy(later, (one) => one.chunk)) {
      const wanted = new Set(members.map(({ row }) => row));
      const { rows: stored, plans } = await this.chunks.open(importId, chunk);
      for (const row of stored.filter((one) => wanted.has(one.row))) {
        const mapped = await mapper.outcomeOf(row, plans);
        if (mapped.outcome !== 'planned') continue;
        const { plan } = mapped;
        found.set(plan.patientKey, [...(found.get(plan.patientKey) ?? []), plan]);
      }
    }
    return rows.map(({ row, plan, issues }) => ({
      row,
      issues,
      plan: (found.get(plan.patientKey) ?? [])
        // All rows are written to the Patient that was chosen for the first of them.
        .map((other) =>
          plan.chosen === undefined ? other : choosePatient(other, plan.chosen.id, mapper.key),
        )
        .reduce(mergePlans, plan),
    }));
  }
}
