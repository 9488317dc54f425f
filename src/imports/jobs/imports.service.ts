import { Inject, Injectable } from '@nestjs/common';
import { and, eq, sql } from 'drizzle-orm';
import { type AuditedAction, AuditedActions } from '../../audit/audited.actions.js';
import type { Account } from '../../authn/account.js';
import { is, matching, orderOf } from '../../http/list.query.js';
import { DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { Queue } from '../../database/queue.js';
import { imports, mappings } from '../../database/schema.records.js';
import { facilityOfIssuer } from '../../mapping/values/facility.js';
import { Conflict, NotVisible } from '../../problems/errors.js';
import { ImportEvents } from '../http/import.events.js';
import type { ImportQuery, ImportsQuery } from '../http/import.query.js';
import { type ImportReport, reportOf } from '../http/import.report.js';
import { findEarlier, lockFile, samenessOf } from './earlier.upload.js';
import { Mappings } from './mappings.service.js';
import { StagedFiles } from './staged.files.js';
import type { Upload } from '../http/upload.receiver.js';

const ORDERS = [
  ['created_at', imports.createdAt],
  ['finished_at', imports.finishedAt],
  ['file_name', imports.fileName],
  ['status', imports.status],
] as const;

export type ImportRecord = typeof imports.$inferSelect;

/** The result of an upload: the import, and whether this upload created it. */
export interface AcceptedImport {
  readonly id: string;
  readonly status: ImportRecord['status'];
  readonly isNew: boolean;
}

/** Creates, finds and reports imports. Methods with an id throw NotVisible when the import does not exist. */
@Injectable()
export class Imports {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly queue: Queue,
    private readonly files: StagedFiles,
    private readonly mappingDocuments: Mappings,
    private readonly events: ImportEvents,
    private readonly auditedActions: AuditedActions,
  ) {}

  /**
   * Creates an import and queues its inspection, in one transaction. Without `force`, a second upload of the same file with the same
   * mapping, date, mode, encoding and sheet returns the earlier import. The second copy of the file is deleted. If the upload names no mapping,
   * the inspection chooses the mapping.
   */
  async accept(
    action: AuditedAction,
    upload: Upload,
    query: ImportQuery,
    account: Account,
    key: string | undefined,
  ): Promise<AcceptedImport> {
    try {
      const isNamed = query.mapping !== 'auto';
      const mapping = isNamed ? (await this.mappingDocuments.named(query.mapping)).id : null;
      const ofAccount = account.issuer === undefined ? null : facilityOfIssuer(account.issuer);
      const facility = query.facility ?? ofAccount;
      const facts = {
        sha256: upload.sha256,
        mapping,
        mode: query.mode,
        asOf: query.as_of ?? null,
        encoding: query.encoding ?? null,
        corrections: query.corrections,
        facility,
        sheet: query.sheet ?? null,
      };
      const values = {
        ...facts,
        id: upload.id,
        accountId: account.id,
        accountName: account.name,
        fileName: upload.fileName,
        bytes: upload.bytes,
        mappingChoice: isNamed ? 'named' : 'open',
        sameness: query.force ? null : samenessOf(facts),
        idempotencyKey: key ?? null,
        status: 'inspecting',
      } as const;
      const accepted = await this.auditedActions.record(action, statusOf, async (transaction) => {
        await lockFile(transaction, upload.sha256);
        const earlier = await findEarlier(transaction, values);
        const { id, status } = earlier ?? (await this.create(transaction, values));
        action.addFacts({ detail: { id } });
        return { id, status, isNew: id === upload.id };
      });
      if (!accepted.isNew) await this.files.remove(upload.id);
      return accepted;
    } catch (error) {
      // PostgreSQL may have committed the transaction although the response was lost. In that case, the import needs the file. If this
      // query also fails, the file is kept, and the sweeper deletes the file later if no import needs the file.
      const count = await this.database.$count(imports, eq(imports.id, upload.id)).catch(() => 1);
      if (count === 0) await this.files.remove(upload.id);
      throw error;
    }
  }

  private async create(
    transaction: Transaction,
    values: typeof imports.$inferInsert & Parameters<typeof findEarlier>[1],
  ): Promise<ImportRecord> {
    const [created] = await transaction.insert(imports).values(values).onConflictDoNothing().returning();
    if (created !== undefined) {
      await this.queue.add('import-inspect', [{ import_id: created.id }], transaction);
      return created;
    }
    // Another request of the account has used the same Idempotency-Key in the meantime.
    const earlier = await findEarlier(transaction, values);
    if (earlier !== undefined) return earlier;
    throw new Conflict(
      'concurrent-change',
      'Another request is uploading the same file. Wait a moment, then send the upload again.',
    );
  }

  async list(query: ImportsQuery): Promise<{ items: ImportReport[]; total: number }> {
    const condition = and(
      is(imports.status, query.status),
      matching(query, imports.fileName, imports.accountName),
    );
    const rows = await this.database
      .select({ row: imports, name: mappings.name, version: mappings.version })
      .from(imports)
      .leftJoin(mappings, eq(mappings.id, imports.mapping))
      .where(condition)
      .orderBy(...orderOf({ ...query, sort: query.sort ?? '-created_at' }, ORDERS, imports.id))
      .limit(query.limit)
      .offset(query.offset);
    const items = rows.map(async ({ row, name, version }) =>
      reportOf(
        row,
        name === null || version === null ? null : { name, version },
        await this.counters(row.id),
      ),
    );
    return { items: await Promise.all(items), total: await this.database.$count(imports, condition) };
  }

  async get(id: string): Promise<ImportRecord> {
    const [row] = await this.database.select().from(imports).where(eq(imports.id, id));
    if (row === undefined) throw new NotVisible();
    return row;
  }

  /** The report of an import with its counts. */
  async report(id: string): Promise<ImportReport> {
    const row = await this.get(id);
    const mapping = row.mapping === null ? null : await this.mappingDocuments.byId(row.mapping);
    return reportOf(row, mapping, await this.counters(id));
  }

  /** The number of rows in each state, the number of issues by code, and the conflicts of an undo. */
  async counters(id: string): Promise<Record<string, unknown>> {
    const [counts = {}] = await this.database.execute(sql`
      select coalesce(sum(created), 0)::int as created, coalesce(sum(updated), 0)::int as updated,
        coalesce(sum(unchanged), 0)::int as unchanged, coalesce(sum(rejected), 0)::int as rejected,
        coalesce(sum(waiting), 0)::int as waiting, coalesce(sum(duplicate), 0)::int as duplicate,
        (select coalesce(jsonb_object_agg(code, number order by code), '{}') from (
          select reason.key as code, sum(reason.value::int)::int as number
          from import_chunks parts, jsonb_each_text(parts.reasons) reason
          where parts.import_id = ${id} group by reason.key) reasons) as reasons,
        (select coalesce(jsonb_agg(distinct jsonb_build_object('row', row, 'resource', kind || '/' || resource_id)), '[]')
          from (select * from import_writes where import_id = ${id} and undone = false order by id limit 1000) kept
        ) as undo_conflicts
      from import_chunks where import_id = ${id}`);
    return counts;
  }

  /** Sets an import to `failed`. A new upload of the same file then creates a new import. */
  async fail(id: string, code: string, columns: readonly string[] = []): Promise<void> {
    await this.database
      .update(imports)
      .set({
        status: 'failed',
        failure: code,
        failureColumns: [...new Set(columns)],
        sameness: null,
        finishedAt: new Date(),
      })
      .where(and(eq(imports.id, id), eq(imports.status, 'inspecting')));
    await this.addEvent(id);
  }

  /** Adds a progress event. The row lock serialises the events, so the last event contains the current state. */
  async addEvent(id: string): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await transaction.select().from(imports).where(eq(imports.id, id)).for('no key update');
      await this.events.add(await this.report(id), transaction);
    });
  }
}

const statusOf = ({ isNew }: AcceptedImport) => (isNew ? 202 : 200);
