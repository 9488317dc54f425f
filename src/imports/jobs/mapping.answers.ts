import { Injectable } from '@nestjs/common';
import { eq } from 'drizzle-orm';
import { type AuditedAction, AuditedActions } from '../../audit/audited.actions.js';
import { Queue } from '../../database/queue.js';
import { imports } from '../../database/schema.records.js';
import { FhirServer } from '../../fhir/fhir.server.js';
import type { MappingDocument } from '../../mapping/mapping.document.js';
import { BadField, Conflict, NotVisible } from '../../problems/errors.js';
import type { ImportReport } from '../http/import.report.js';
import { type ImportRecord, Imports } from './imports.service.js';
import { NO_PROPOSAL } from './import.ending.js';
import { Mappings, storeDocument } from './mappings.service.js';

/** The mapping that a person chose for an import: either a stored mapping (`name` or `name@version`) or a new document. */
export interface MappingAnswer {
  readonly mapping?: string | undefined;
  readonly document?: MappingDocument | undefined;
}

/** The failures after which the uploaded file does not exist any more. */
const FILE_IS_GONE = new Set(['file-mapping-missing', 'file-lost']);

/** Continues imports that wait for a mapping. */
@Injectable()
export class MappingAnswers {
  constructor(
    private readonly queue: Queue,
    private readonly imports: Imports,
    private readonly mappings: Mappings,
    private readonly fhir: FhirServer,
    private readonly auditedActions: AuditedActions,
  ) {}

  /**
   * Records the mapping and inspects the file with it. A new document is stored first. The same request again changes nothing. Throws
   * Conflict when the import does not wait for a mapping, BadField for an unknown mapping, and NotConfigured without a FHIR server.
   */
  async answer(action: AuditedAction, id: string, chosen: MappingAnswer): Promise<ImportReport> {
    const { document } = chosen;
    // Read the mapping before the transaction, because the transaction already uses a connection.
    const stored = chosen.mapping === undefined ? undefined : await this.mappings.named(chosen.mapping);
    if ((stored === undefined) === (document === undefined)) throw notOne();
    const isChanged = await this.auditedActions.record(action, 202, async (transaction) => {
      const [record] = await transaction.select().from(imports).where(eq(imports.id, id)).for('update');
      if (record === undefined) throw new NotVisible();
      this.fhir.mustBeConfigured();
      if (!isOpen(record) && record.mappingChoice !== 'person') throw notWaiting(record);
      const mapping =
        document === undefined ? stored : await storeDocument(transaction, document, action.accountId);
      if (mapping === undefined) throw notOne();
      action.addFacts({ detail: { mapping: `${mapping.name}@${mapping.version}` } });
      if (!isOpen(record)) {
        if (mapping.id === record.mapping) return false;
        throw notWaiting(record);
      }
      await transaction
        .update(imports)
        .set({
          status: 'inspecting',
          mapping: mapping.id,
          mappingChoice: 'person',
          failure: null,
          failureColumns: [],
          finishedAt: null,
          ...NO_PROPOSAL,
        })
        .where(eq(imports.id, id));
      await this.queue.add('import-inspect', [{ import_id: id }], transaction);
      return true;
    });
    if (isChanged) await this.imports.addEvent(id);
    return this.imports.report(id);
  }
}

/** Whether the import waits for a mapping. An import whose file could not be read with its mapping can get another mapping. */
const isOpen = ({ status, source, failure }: ImportRecord): boolean =>
  status === 'needs_mapping' || (status === 'failed' && source === null && !FILE_IS_GONE.has(failure ?? ''));

const notOne = () =>
  new BadField('invalid-field', 'mapping', 'Send either mapping or document, and not both.');

const notWaiting = ({ status }: ImportRecord): Conflict =>
  new Conflict(
    'import-state-conflict',
    `This import does not wait for a mapping. Its status is ${status}. Upload the file again to use another mapping.`,
  );
