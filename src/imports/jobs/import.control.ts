import { Inject, Injectable } from '@nestjs/common';
import { eq, type SQL, sql } from 'drizzle-orm';
import { type AuditedAction, AuditedActions } from '../../audit/audited.actions.js';
import { DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { Queue } from '../../database/queue.js';
import { importRows, imports } from '../../database/schema.records.js';
import { Conflict, NotVisible } from '../../problems/errors.js';
import type { ImportReport } from '../http/import.report.js';
import { NO_PROPOSAL } from './import.ending.js';
import { type ImportRecord, Imports } from './imports.service.js';
import { Reruns } from './rerun.service.js';
import type { RowState } from '../writing/row.store.js';

type Status = ImportRecord['status'];
type Work = (transaction: Transaction, record: ImportRecord) => Promise<void>;

/**
 * In these states, an import runs its waiting rows again when a word is decided. After a cancellation or a failure, only a person can retry
 * the rows.
 */
const RERUN: readonly Status[] = ['completed', 'completed_with_errors', 'rehearsed'];
const RETRYABLE: readonly Status[] = [
  'completed',
  'completed_with_errors',
  'cancelled',
  'failed',
  'rehearsed',
];

/**
 * The commands for an import: commit, cancel, retry and undo. Each of them throws Conflict when the status of the import does not allow the
 * command.
 */
@Injectable()
export class ImportControl {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly queue: Queue,
    private readonly imports: Imports,
    private readonly reruns: Reruns,
    private readonly auditedActions: AuditedActions,
  ) {}

  /** Writes a rehearsed import: runs all rows again except the rejected and duplicate rows. */
  commit(action: AuditedAction, id: string): Promise<ImportReport> {
    return this.command(action, id, ['rehearsed'], async (transaction, record) => {
      const states = ['created', 'updated', 'unchanged', 'waiting'] as const;
      await this.reruns.request(transaction, record, states, { mode: 'commit' });
    });
  }

  /** Stops an import after the current bundle. The rows that were written are not undone. The pending rows run only after a retry. */
  cancel(action: AuditedAction, id: string): Promise<ImportReport> {
    const from = ['inspecting', 'needs_mapping', 'queued', 'running', 'rehearsed'] as const;
    return this.command(action, id, from, async (transaction) => {
      await transaction
        .update(imports)
        .set({ status: 'cancelled', sameness: null, finishedAt: new Date(), ...NO_PROPOSAL })
        .where(eq(imports.id, id));
    });
  }

  /** Runs the rejected, waiting and pending rows again. If the inspection of the file did not end, the file is inspected again. */
  retry(action: AuditedAction, id: string): Promise<ImportReport> {
    return this.command(action, id, RETRYABLE, async (transaction, record) => {
      if (record.source !== null)
        return this.reruns.request(transaction, record, ['rejected', 'waiting', 'pending']);
      await transaction
        .update(imports)
        .set({ status: 'inspecting', failure: null, finishedAt: null })
        .where(eq(imports.id, id));
      await this.queue.add('import-inspect', [{ import_id: id }], transaction);
    });
  }

  /**
   * Undoes the writes of an import, except for resources that somebody else changed later or that a later import uses. A repeated request
   * during the undo changes nothing. Throws Conflict while the correction of a word has sent records of the import that are not stored yet,
   * because the undo would miss them.
   */
  undo(action: AuditedAction, id: string): Promise<ImportReport> {
    const ended: readonly Status[] = ['completed', 'completed_with_errors', 'cancelled', 'failed'];
    return this.command(
      action,
      id,
      ended,
      async (transaction, record) => {
        if (record.undoing !== null) return;
        const sent = await transaction.execute(sql`
          select from word_uses uses join terms on terms.id = uses.term and uses.revision < terms.revision
          where uses.import_id = ${id} and uses.sent is not null limit 1`);
        if (sent.length > 0)
          throw new Conflict(
            'import-state-conflict',
            'A corrected decision about a word is being applied to this import. Wait until it has ended.',
          );
        await transaction
          .update(imports)
          .set({ undoing: 'asked', sameness: null, finishedAt: null })
          .where(eq(imports.id, id));
        // The rows of this import no longer wait for words.
        await transaction.execute(sql`delete from waiting_words where import_id = ${id}`);
        await this.queue.add('import-undo', [{ import_id: id }], transaction);
      },
      true,
    );
  }

  /** Reruns all rows that wait for the word with the id `term`. The rows can be in several imports. */
  async rerunWaitingFor(term: string): Promise<void> {
    const waiting = await this.database.execute<{ import_id: string }>(sql`
      select distinct import_id from waiting_words where term = ${term}`);
    for (const { import_id } of waiting)
      await this.rerunRows(
        import_id,
        ['waiting'],
        sql`${importRows.row} in (select row from waiting_words where import_id = ${import_id} and term = ${term})`,
      );
  }

  /**
   * Reruns the rows of an import that match `which`. Does nothing if the import cannot run rows again. A running import checks for new
   * decisions when it ends.
   */
  async rerunRows(importId: string, states: readonly RowState[], which: SQL): Promise<void> {
    await this.rerun(importId, async (transaction, record) => {
      const isWanted = record.mode === 'commit' || record.status === 'rehearsed';
      if (isWanted && record.forgottenAt === null)
        await this.reruns.beginNow(transaction, record, states, which);
    }).catch((error: unknown) => {
      if (!(error instanceof Conflict)) throw error;
    });
  }

  /** Changes an import and writes the audit row in one transaction. */
  private async command(
    action: AuditedAction,
    id: string,
    from: readonly Status[],
    work: Work,
    duringUndo = false,
  ): Promise<ImportReport> {
    await this.auditedActions.record(action, 202, (transaction) =>
      change(transaction, id, from, work, duringUndo),
    );
    await this.imports.addEvent(id);
    return this.imports.report(id);
  }

  private async rerun(id: string, work: Work): Promise<void> {
    await this.database.transaction((transaction) => change(transaction, id, RERUN, work));
    await this.imports.addEvent(id);
  }
}

/** Locks the import and runs `work` if the status of the import is one of `from`. Throws Conflict otherwise. */
async function change(
  transaction: Transaction,
  id: string,
  from: readonly Status[],
  work: Work,
  duringUndo = false,
): Promise<void> {
  const [record] = await transaction.select().from(imports).where(eq(imports.id, id)).for('update');
  if (record === undefined) throw new NotVisible();
  if (record.undoing !== null && !duringUndo)
    throw new Conflict(
      'import-state-conflict',
      'This import is being undone. Wait until its status is undone.',
    );
  if (record.undoing === null && !from.includes(record.status))
    throw new Conflict(
      'import-state-conflict',
      `This is not possible while the import is ${record.status}. Possible when it is: ${from.join(', ')}.`,
    );
  await work(transaction, record);
}
