import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { and, desc, eq, gt, inArray, isNotNull, isNull, or, sql } from 'drizzle-orm';
import type { Bundle, BundleEntry } from '@medplum/fhirtypes';
import { BACKGROUND_DATABASE, type Database } from '../../database/database.module.js';
import { importRows, imports, importWrites, wordUses } from '../../database/schema.records.js';
import { jittered } from '../../fhir/fhir.calls.js';
import { FhirConflict, FhirRefused } from '../../fhir/fhir.errors.js';
import { FhirRecords } from '../../fhir/fhir.records.js';
import { NeighbourAway } from '../../problems/errors.js';
import { ImportLocks, isLockTimeout } from './import.locks.js';
import { Imports } from '../jobs/imports.service.js';
import { ImportDependencies } from './import.dependencies.js';
import { Provenances } from './provenance.service.js';
import { type ImportWrite, planUndo } from './undo.plan.js';

const BATCH = 50;

/**
 * Undoes an import: deletes the resources that the import created, and restores the resources that it updated. Resources are not undone if
 * somebody else changed them later or a later import uses them.
 */
@Injectable()
export class Undo {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly records: FhirRecords,
    private readonly imports: Imports,
    private readonly locks: ImportLocks,
    private readonly dependencies: ImportDependencies,
    private readonly provenances: Provenances,
  ) {}

  /**
   * Undoes the writes, newest first. The report of the import lists the resources that are not undone. It is safe to run this again after a
   * crash. The undo first waits for all running bundles, so that all writes of these bundles are recorded. If another import starts a
   * bundle during the undo, the bundle waits until the undo has ended.
   */
  async run(importId: string, signal: AbortSignal): Promise<void> {
    const isUndoing = and(eq(imports.id, importId), isNotNull(imports.undoing));
    const marked = await this.database.update(imports).set({ undoing: 'asked' }).where(isUndoing).returning();
    if (marked.length === 0) return;
    await this.untilDone(signal, () => this.locks.waitForBundles());
    // The lock waits for a bundle that was running when the import was cancelled.
    await this.locks.withImportLock(importId, () => this.undoAll(importId, signal));
    await this.database.transaction(async (transaction) => {
      await transaction
        .update(imports)
        .set({ status: 'undone', undoing: null, finishedAt: new Date() })
        .where(isUndoing);
      // A bundle that was running when the undo was requested may have added waiting words.
      await transaction.execute(sql`delete from waiting_words where import_id = ${importId}`);
      await transaction.execute(sql`delete from word_uses where import_id = ${importId}`);
    });
    await this.imports.addEvent(importId);
  }

  /**
   * Undoes the writes of some rows of an import that are newer than `since` (a position in `import_writes`). It is safe to run this again
   * after a crash.
   */
  async undoRows(
    importId: string,
    rows: readonly number[],
    since: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { row } = importRows;
    const ofRows = and(eq(importRows.importId, importId), inArray(row, [...rows]));
    const writes = and(
      eq(importWrites.importId, importId),
      inArray(importWrites.row, [...rows]),
      gt(importWrites.id, since),
      isNull(importWrites.undone),
    );
    await this.untilDone(signal, () =>
      this.locks.withImportLock(importId, async () => {
        const batch = await this.database
          .select()
          .from(importWrites)
          .where(writes)
          .orderBy(desc(importWrites.id));
        if (batch.length > 0) await this.undoBatch(importId, batch, since);
        await this.database.transaction(async (transaction) => {
          await transaction.update(importRows).set({ about: null, decided: null }).where(ofRows);
          // The records of these uses are gone. The rows run again and record their uses again.
          await transaction
            .delete(wordUses)
            .where(and(eq(wordUses.importId, importId), inArray(wordUses.row, [...rows])));
        });
      }),
    );
  }

  /** Undoes the writes of some rows. The caller has locked the import. */
  private async undoBatch(importId: string, batch: readonly ImportWrite[], since: number): Promise<void> {
    const rows = [...new Set(batch.map(({ row }) => row))];
    const chunks = await this.database
      .selectDistinct({ chunk: importRows.chunk })
      .from(importRows)
      .where(and(eq(importRows.importId, importId), inArray(importRows.row, rows)));
    await this.locks.withPatientLocks(await this.patientsOf(importId, batch), async () => {
      const left = await this.withoutRowsInUse(importId, batch);
      const created = left.filter(({ versionBefore }) => versionBefore === null);
      // The server refuses to delete a resource that a Provenance refers to.
      const references = new Set(created.map(({ kind, resourceId }) => `${kind}/${resourceId}`));
      const of = { chunks: chunks.map(({ chunk }) => chunk), since };
      await this.provenances.withdraw(importId, of, references);
      await this.undo(left);
    });
  }

  private async undoAll(importId: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const writes = await this.database
        .select()
        .from(importWrites)
        .where(and(eq(importWrites.importId, importId), isNull(importWrites.undone)))
        // A Provenance refers to the other resources, so it is deleted first.
        .orderBy(desc(eq(importWrites.kind, 'Provenance')), desc(importWrites.id))
        .limit(BATCH);
      if (writes.length === 0) break;
      await this.untilDone(signal, async () => {
        const batch = await this.withSiblings(importId, writes);
        // HAPI ignores If-Match on a DELETE, so locks prevent other imports from changing these patients.
        const patients = await this.patientsOf(importId, batch);
        await this.locks.withPatientLocks(patients, async () => {
          await this.undo(await this.withoutRowsInUse(importId, batch));
        });
      });
    }
  }

  /** Records a write as a conflict if a later import uses the patient of the row. Returns the other writes. */
  private async withoutRowsInUse(importId: string, batch: readonly ImportWrite[]): Promise<ImportWrite[]> {
    const inUse = await this.dependencies.rowsInUse(importId, [...new Set(batch.map(({ row }) => row))]);
    const conflicts = batch.filter(({ row }) => inUse.has(row));
    await this.setUndone(
      conflicts.map(({ id }) => id),
      false,
    );
    return batch.filter(({ row }) => !inUse.has(row));
  }

  /** Repeats `work` while the FHIR server does not answer or another process holds a lock. */
  private async untilDone(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted();
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof NeighbourAway) && !isLockTimeout(error)) throw error;
        await sleep(jittered(attempt), undefined, { signal });
      }
    }
  }

  /** Adds the other writes of the same rows, because a Patient cannot be deleted before the Conditions and Observations of that Patient. */
  private async withSiblings(importId: string, writes: ImportWrite[]): Promise<ImportWrite[]> {
    const [first] = writes;
    if (first?.kind === 'Provenance') return writes.filter(({ kind }) => kind === 'Provenance');
    const rows = [...new Set(writes.map(({ row }) => row))];
    return this.database
      .select()
      .from(importWrites)
      .where(
        and(
          eq(importWrites.importId, importId),
          isNull(importWrites.undone),
          inArray(importWrites.row, rows),
        ),
      )
      .orderBy(desc(importWrites.id));
  }

  /** The patient keys of the rows of these writes. The result is empty when the rows of the import were deleted. */
  private async patientsOf(importId: string, writes: readonly ImportWrite[]): Promise<string[]> {
    const rows = [...new Set(writes.map(({ row }) => row))];
    const found = await this.database
      .select({ patient: importRows.patient, others: importRows.others })
      .from(importRows)
      .where(
        and(
          eq(importRows.importId, importId),
          or(inArray(importRows.row, rows), inArray(importRows.leader, rows)),
        ),
      );
    return found.flatMap(({ patient, others }) => [patient ?? [], others ?? []].flat());
  }

  private async undo(writes: readonly ImportWrite[]): Promise<void> {
    // All writes of one resource are undone together. The resource gets back the content that it had before the first write.
    const resources = Map.groupBy(writes, ({ kind, resourceId }) => `${kind}/${resourceId}`);
    const entries: BundleEntry[] = [];
    const restored: number[] = [];
    const conflicts: number[] = [];
    for (const [reference, step] of await planUndo(this.records, resources)) {
      const ids = (resources.get(reference) ?? []).map(({ id }) => id);
      if (step === 'changed') conflicts.push(...ids);
      else restored.push(...ids);
      if (typeof step !== 'string') entries.push(step);
    }
    const bundle: Bundle = { resourceType: 'Bundle', type: 'transaction', entry: entries };
    try {
      if (entries.length > 0) await this.records.transaction(bundle);
    } catch (error) {
      if (!(error instanceof FhirRefused) && !(error instanceof FhirConflict)) throw error;
      await this.undoHalves(writes);
      return;
    }
    await this.setUndone(restored, true);
    await this.setUndone(conflicts, false);
  }

  /** Halves the rows of a rejected transaction until one row is left. The writes of that row are conflicts. */
  private async undoHalves(writes: readonly ImportWrite[]): Promise<void> {
    const rows = [...new Set(writes.map(({ row }) => row))];
    if (rows.length === 1)
      return this.setUndone(
        writes.map(({ id }) => id),
        false,
      );
    const first = new Set(rows.slice(0, rows.length / 2));
    // `filter` keeps the order of the writes, so the newest write of a resource is still first.
    await this.undo(writes.filter(({ row }) => first.has(row)));
    await this.undo(writes.filter(({ row }) => !first.has(row)));
  }

  private async setUndone(ids: readonly number[], undone: boolean): Promise<void> {
    if (ids.length === 0) return;
    await this.database
      .update(importWrites)
      .set({ undone })
      .where(inArray(importWrites.id, [...ids]));
  }
}
