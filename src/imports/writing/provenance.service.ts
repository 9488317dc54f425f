import { setTimeout as sleep } from 'node:timers/promises';
import type { Bundle } from '@medplum/fhirtypes';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { and, between, eq, inArray, max, min } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database } from '../../database/database.module.js';
import { importRows, imports, importWrites } from '../../database/schema.records.js';
import { jittered } from '../../fhir/fhir.calls.js';
import { FhirConflict, FhirRefused } from '../../fhir/fhir.errors.js';
import { FhirRecords } from '../../fhir/fhir.records.js';
import { makeDocumentReference, FILE_SYSTEM, makeProvenance } from '../../mapping/provenance.maker.js';
import { steadyUuid } from '../../mapping/values/identity.js';
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
    // The transaction can be sent again, because both entries have fixed identities.
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
    const outcomes = await this.records.transaction(bundleOf(record, mapping, chunk, targets));
    const known = await this.database
      .select({ id: importWrites.resourceId })
      .from(importWrites)
      .where(
        and(
          eq(importWrites.importId, record.id),
          eq(importWrites.row, NO_ROW),
          inArray(
            importWrites.resourceId,
            outcomes.map(({ id }) => id),
          ),
        ),
      );
    // A Provenance always belongs to this import, even after a lost response. The DocumentReference belongs to this import only if this
    // request created it.
    const added = outcomes.filter(
      ({ status, kind, id }) =>
        (status === 201 || kind === 'Provenance') && !known.some((one) => one.id === id),
    );
    if (added.length === 0) return;
    await this.database.insert(importWrites).values(
      added.map(({ kind, id, version }) => ({
        importId: record.id,
        row: NO_ROW,
        kind,
        resourceId: id,
        versionAfter: version,
      })),
    );
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
        ),
      );
    return writes.map(({ kind, id }) => `${kind}/${id}`).sort();
  }
}

function bundleOf(record: ImportRecord, mapping: StoredMapping, chunk: number, targets: string[]): Bundle {
  const sha256 = record.sha256.toString('hex');
  const received = record.createdAt.toISOString();
  const document = makeDocumentReference({ sha256, bytes: record.bytes, received });
  const provenance = makeProvenance({
    chunk: `${record.id} ${chunk}`,
    targets,
    recorded: received,
    agent: { system: 'urn:radgate:account', value: record.accountId ?? 'gone', display: record.accountName },
    fileSha256: sha256,
    mapping: { name: mapping.name, version: mapping.version },
  });
  const fullUrl = `urn:uuid:${steadyUuid(`file ${sha256}`)}`;
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      {
        fullUrl,
        resource: document,
        request: {
          method: 'POST',
          url: 'DocumentReference',
          ifNoneExist: identifierQuery(FILE_SYSTEM, sha256),
        },
      },
      {
        fullUrl: `urn:uuid:${provenance.id ?? ''}`,
        resource: provenance,
        request: { method: 'PUT', url: `Provenance/${provenance.id ?? ''}` },
      },
    ],
  };
}
