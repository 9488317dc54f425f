import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database } from '../../database/database.module.js';

/**
 * Checks the dependencies between imports. During the undo of an import, no other import writes the patients of that import. An undo does
 * not change patients that a later import has used. An import uses a patient when it writes the patient, or finds that no change is needed.
 * `Undo.run` describes how locks make this safe.
 */
@Injectable()
export class ImportDependencies {
  constructor(@Inject(BACKGROUND_DATABASE) private readonly database: Database) {}

  /**
   * Whether one of these patients has a row in another import that is being undone. `patients` are ids on the FHIR server. A stuck undo
   * does not count.
   */
  async isBeingUndone(importId: string, patients: readonly string[]): Promise<boolean> {
    if (patients.length === 0) return false;
    const found = await this.database.execute(sql`
      select from imports undone where undone.undoing = 'asked' and undone.id <> ${importId} and exists (
        select from import_rows where import_id = undone.id and about in ${[...patients]}) limit 1`);
    return found.length > 0;
  }

  /**
   * Returns each row whose patient was used by another import after the first write of that row. Imports that were undone or are being
   * undone do not count.
   */
  async rowsInUse(importId: string, rows: readonly number[]): Promise<Set<number>> {
    if (rows.length === 0) return new Set();
    const found = await this.database.execute<{ row: number }>(sql`
      with own as (
        select row, min(id) as since from import_writes
        where import_id = ${importId} and row in ${[...rows]} group by row),
      patients as (
        select row, about from import_rows
        where import_id = ${importId} and row in ${[...rows]} and about is not null
        union select row, resource_id from import_writes
        where import_id = ${importId} and row in ${[...rows]} and kind = 'Patient')
      select distinct own.row from own join patients using (row)
        join import_rows later on later.about = patients.about and later.import_id <> ${importId}
          and later.decided > own.since
        join imports on imports.id = later.import_id and imports.status <> 'undone' and imports.undoing is null`);
    return new Set(found.map(({ row }) => row));
  }
}
