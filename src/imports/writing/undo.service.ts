import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { and, desc, eq, inArray, isNotNull, isNull, or, sql } from 'drizzle-orm';
import type { Bundle, BundleEntry } from '@medplum/fhirtypes';
import { BACKGROUND_DATABASE, type Database } from '../../database/database.module.js';
import { importRows, imports, importWrites } from '../../database/schema.records.js';
import { jittered } from '../../fhir/fhir.calls.js';
import { FhirConflict, FhirRefused } from '../../fhir/fhir.errors.js';
import { FhirRecords } from '../../fhir/fhir.records.js';
import { NeighbourAway } from '../../problems/errors.js';
import { ImportLocks, isLockTimeout } from './import.locks.js';
import { Imports } from '../jobs/imports.service.js';
import { ImportDependencies } from './import.dependencies.js';
import { type ImportWrite, planUndo } from './undo.plan.js';

const AT_ONCE = 50;

/** Takes back what an import wrote: what it created is deleted, what it updated becomes what it was, unless somebody changed it, or another import concluded something about it, since. */
@Injectable()
export class Undo {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly records: FhirRecords,
    private readonly imports: Imports,
    private readonly locks: ImportLocks,
    private readonly reliance: ImportDependencies,
  ) {}

  /**
   * The last write first. What cannot be taken back is a conflict, which the import lists. May be run again after a crash.
   * Other imports: a bundle that began before the undo was told has ended, and what it concluded is kept, before anything is taken back; one
   * that begins afterwards finds the undo and waits.
   */
  async run(importId: string, signal: AbortSignal): Promise<void> {
    const underWay = and(eq(imports.id, importId), isNotNull(imports.undoing));
    const told = await this.database.update(imports).set({ undoing: 'asked' }).where(underWay).returning();
    if (told.length === 0) return;
    await this.patiently(signal, () => this.locks.bundlesEnded());
    // A bundle that was under way when the import was cancelled ends first.
    await this.locks.alone(importId, () => this.takeAllBack(importId, signal));
    await this.database.transaction(async (transaction) => {
      await transaction
        .update(imports)
        .set({ status: 'undone', undoing: null, finishedAt: new Date() })
        .where(underWay);
      // A bundle that was under way when the undo was asked for may have added some.
      await transaction.execute(sql`delete from waiting_words where import_id = ${importId}`);
    });
    await this.imports.tell(importId);
  }

  private async takeAllBack(importId: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const writes = await this.database
        .select()
        .from(importWrites)
        .where(and(eq(importWrites.importId, importId), isNull(importWrites.undone)))
        // What points to the others goes first.
        .orderBy(desc(eq(importWrites.kind, 'Provenance')), desc(importWrites.id))
        .limit(AT_ONCE);
      if (writes.length === 0) break;
      await this.patiently(signal, async () => {
        const batch = await this.withSiblings(importId, writes);
        // A DELETE of HAPI heeds no If-Match: another import must not change these patients between look and deed.
        const patients = await this.patientsOf(importId, batch);
        await this.locks.ofPatients(patients, async () => {
          await this.takeBack(await this.leaving(importId, batch));
        });
      });
    }
  }

  /** Notes as conflicts what another import relies on, and gives the rest. */
  private async leaving(importId: string, batch: readonly ImportWrite[]): Promise<ImportWrite[]> {
    const relied = await this.reliance.reliedOn(importId, [...new Set(batch.map(({ row }) => row))]);
    const left = batch.filter(({ row }) => relied.has(row));
    await this.note(
      left.map(({ id }) => id),
      false,
    );
    return batch.filter(({ row }) => !relied.has(row));
  }

  /** Does it again until the FHIR server is there and nobody holds what it needs. */
  private async patiently(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
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

  /** A patient cannot go while records point to them: what was written for a row goes together. */
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

  /** Whom the rows of these writes were about; of an import whose rows are no longer kept nobody knows. */
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

  private async takeBack(writes: readonly ImportWrite[]): Promise<void> {
    // Several writes of one resource are taken back at once, to what it was before the first.
    const resources = Map.groupBy(writes, ({ kind, resourceId }) => `${kind}/${resourceId}`);
    const entries: BundleEntry[] = [];
    const settled: number[] = [];
    const conflicts: number[] = [];
    for (const [reference, step] of await planUndo(this.records, resources)) {
      const ids = (resources.get(reference) ?? []).map(({ id }) => id);
      if (step === 'changed') conflicts.push(...ids);
      else settled.push(...ids);
      if (typeof step !== 'string') entries.push(step);
    }
    const bundle: Bundle = { resourceType: 'Bundle', type: 'transaction', entry: entries };
    try {
      if (entries.length > 0) await this.records.transaction(bundle);
    } catch (error) {
      if (!(error instanceof FhirRefused) && !(error instanceof FhirConflict)) throw error;
      await this.takeBackHalves(writes);
      return;
    }
    await this.note(settled, true);
    await this.note(conflicts, false);
  }

  /** Something in the transaction could not be done: its rows are halved until only the row that cannot is a conflict. */
  private async takeBackHalves(writes: readonly ImportWrite[]): Promise<void> {
    const rows = [...new Set(writes.map(({ row }) => row))];
    if (rows.length === 1)
      return this.note(
        writes.map(({ id }) => id),
        false,
      );
    const first = new Set(rows.slice(0, rows.length / 2));
    // The order of the writes is kept: the newest of a resource is the first.
    await this.takeBack(writes.filter(({ row }) => first.has(row)));
    await this.takeBack(writes.filter(({ row }) => !first.has(row)));
  }

  private async note(ids: readonly number[], undone: boolean): Promise<void> {
    if (ids.length === 0) return;
    await this.database
      .update(importWrites)
      .set({ undone })
      .where(inArray(importWrites.id, [...ids]));
  }
}
