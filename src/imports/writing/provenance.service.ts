import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Provenance } from '@medplum/fhirtypes';
import { and, between, eq, gt, max, min, sql } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database } from '../../database/database.module.js';
import { importRows, imports, importWrites } from '../../database/schema.records.js';
import { jittered } from '../../fhir/fhir.calls.js';
import { FhirConflict, FhirRefused } from '../../fhir/fhir.errors.js';
import { FhirRecords } from '../../fhir/fhir.records.js';
import {
  makeDocumentReference,
  FILE_SYSTEM,
  makeProvenance,
  provenanceId,
} from '../../mapping/provenance.maker.js';
import { identifierQuery } from '../../mapping/transaction.bundle.js';
import { NeighbourAway } from '../../problems/errors.js';
import { isUndone } from '../jobs/import.ending.js';
import { ImportLocks, isLockTimeout } from './import.locks.js';
import type { ImportRecord } from '../jobs/imports.service.js';
import type { StoredMapping } from '../jobs/mappings.service.js';

/** The row number of writes that belong to the whole chunk. */
const NO_ROW = 0;

/** Writes a Provenance for each chunk. The Provenance names the written resources, the file, the account and the mapping. */
@Injectable()
export class Provenances {
  private readonly logger = new Logger('imports');

  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly records: FhirRecords,
    private readonly locks: ImportLocks,
  ) {}

  /** Writes the Provenance of a chunk if the chunk wrote any resource. A chunk that runs again updates its Provenance. */
  async write(
    record: ImportRecord,
    mapping: StoredMapping,
    chunk: number,
    signal: AbortSignal,
  ): Promise<void> {
    // Both writes can be repeated, because the resources have fixed identities.
    for (let attempt = 1; ; attempt += 1) {
      try {
        // No undo runs while this lock is held. An undo could not delete a Provenance that is not recorded yet.
        return await this.locks.withBundleLocks(record.id, [], () => this.attempt(record, mapping, chunk));
      } catch (error) {
        if (error instanceof FhirRefused) {
          // The rows are already written, so a rejected Provenance must not stop the import.
          this.logger.warn(`the FHIR server rejected a Provenance (${error.status})`);
          return;
        }
        const isTemporary =
          error instanceof NeighbourAway || error instanceof FhirConflict || isLockTimeout(error);
        if (!isTemporary) throw error;
        await sleep(jittered(attempt), undefined, { signal });
      }
    }
  }

  private async attempt(record: ImportRecord, mapping: StoredMapping, chunk: number): Promise<void> {
    const [now] = await this.database
      .select({ status: imports.status, undoing: imports.undoing })
      .from(imports)
      .where(eq(imports.id, record.id));
    const targets = now === undefined || isUndone(now) ? [] : await this.targetsOf(record.id, chunk);
    if (targets.length === 0) return;
    const { document, provenance } = resourcesOf(record, mapping, chunk, targets);
    const sha256 = record.sha256.toString('hex');
    // These are direct writes. In a transaction, a Provenance with 700 targets costs HAPI several seconds once it has many patients.
    const file = await this.records.createOnce(document, identifierQuery(FILE_SYSTEM, sha256));
    // The DocumentReference belongs to this import only if this request created it.
    if (file.status === 201) await this.recordWrite(record.id, file);
    // Record the Provenance first, so that an undo finds it even if the process stops after the write.
    await this.recordWrite(record.id, { kind: 'Provenance', id: provenance.id, version: '1' });
    await this.records.put(provenance);
  }

  /** Records a write of the whole import, unless the write is recorded already. An undone Provenance counts as written again. */
  private async recordWrite(
    importId: string,
    { kind, id, version }: { readonly kind: string; readonly id: string; readonly version: string },
  ): Promise<void> {
    const known = await this.database
      .update(importWrites)
      .set({ undone: null })
      .where(
        and(
          eq(importWrites.importId, importId),
          eq(importWrites.row, NO_ROW),
          eq(importWrites.resourceId, id),
        ),
      )
      .returning();
    if (known.length > 0) return;
    await this.database
      .insert(importWrites)
      .values({ importId, row: NO_ROW, kind, resourceId: id, versionAfter: version });
  }

  /**
   * Removes references from the Provenances of some chunks, and from the Provenances that corrections wrote since a position in
   * `import_writes`. The server refuses to delete a resource that a Provenance refers to. Deletes a Provenance without targets. The caller
   * has an exclusive lock on the import. A second call changes nothing.
   */
  async withdraw(
    importId: string,
    { chunks, since }: { readonly chunks: readonly number[]; readonly since: number },
    references: ReadonlySet<string>,
  ): Promise<void> {
    const newer = await this.database
      .select({ id: importWrites.resourceId })
      .from(importWrites)
      .where(
        and(
          eq(importWrites.importId, importId),
          eq(importWrites.kind, 'Provenance'),
          gt(importWrites.id, since),
          sql`${importWrites.undone} is not true`,
        ),
      );
    const ids = [
      ...chunks.map((chunk) => provenanceId(chunkKey(importId, chunk))),
      ...newer.map(({ id }) => id),
    ];
    const urls = [...new Set(ids)].map((id) => `Provenance/${id}`);
    for (const stored of (await this.records.readAll(urls)).values())
      if (stored.resourceType === 'Provenance') await this.withdrawFrom(importId, stored, references);
  }

  private async withdrawFrom(
    importId: string,
    stored: Provenance,
    references: ReadonlySet<string>,
  ): Promise<void> {
    const { id } = stored;
    const target = stored.target.filter(({ reference }) => !references.has(reference ?? ''));
    if (id === undefined || target.length === stored.target.length) return;
    if (target.length > 0) {
      await this.records.put({ ...stored, id, target });
      return;
    }
    const entry = [{ request: { method: 'DELETE' as const, url: `Provenance/${id}` } }];
    await this.records.transaction({ resourceType: 'Bundle', type: 'transaction', entry });
    await this.database
      .update(importWrites)
      .set({ undone: true })
      .where(and(eq(importWrites.importId, importId), eq(importWrites.resourceId, id)));
  }

  private async targetsOf(importId: string, chunk: number): Promise<string[]> {
    // The rows of a chunk have consecutive numbers.
    const { row } = importRows;
    const [rows] = await this.database
      .select({ first: min(row), last: max(row) })
      .from(importRows)
      .where(and(eq(importRows.importId, importId), eq(importRows.chunk, chunk)));
    const writes = await this.database
      .selectDistinct({ kind: importWrites.kind, id: importWrites.resourceId })
      .from(importWrites)
      .where(
        and(
          eq(importWrites.importId, importId),
          between(importWrites.row, rows?.first ?? 0, rows?.last ?? -1),
          // The server rejects references to deleted resources.
          sql`${importWrites.undone} is not true`,
        ),
      );
    return writes.map(({ kind, id }) => `${kind}/${id}`).sort();
  }
}

const chunkKey = (importId: string, chunk: number) => `${importId} ${chunk}`;

function resourcesOf(record: ImportRecord, mapping: StoredMapping, chunk: number, targets: string[]) {
  const sha256 = record.sha256.toString('hex');
  const received = record.createdAt.toISOString();
  const document = makeDocumentReference({ sha256, bytes: record.bytes, received });
  const provenance = makeProvenance({
    chunk: chunkKey(record.id, chunk),
    targets,
    recorded: received,
    agent: { system: 'urn:radgate:account', value: record.accountId ?? 'gone', display: record.accountName },
    fileSha256: sha256,
    mapping: { name: mapping.name, version: mapping.version },
  });
  return { document, provenance };
}
