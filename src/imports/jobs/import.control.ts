import { Inject, Injectable } from '@nestjs/common';
import { eq, sql } from 'drizzle-orm';
import { type AuditedAction, AuditedActions } from '../../audit/audited.actions.js';
import { DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { Queue } from '../../database/queue.js';
import { importRows, imports } from '../../database/schema.records.js';
import { Conflict, NotVisible } from '../../problems/errors.js';
import type { ImportReport } from '../http/import.report.js';
import { type ImportRecord, Imports } from './imports.service.js';
import { Reruns } from './rerun.service.js';

type Status = ImportRecord['status'];
type Work = (transaction: Transaction, record: ImportRecord) => Promise<void>;

/** One that was cancelled, failed or undone is taken up by a person or not at all. */
const RERUN: readonly Status[] = ['completed', 'completed_with_errors', 'rehearsed'];
const RETRIED: readonly Status[] = ['completed', 'completed_with_errors', 'cancelled', 'failed', 'rehearsed'];

/** What a person does with an import: commit, cancel, retry, undo. What does not fit its status is a Conflict. */
@Injectable()
export class ImportControl {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly queue: Queue,
    private readonly imports: Imports,
    private readonly reruns: Reruns,
    private readonly auditedActions: AuditedActions,
  ) {}

  /** Writes what was rehearsed: every row that was not refused runs again, this time to its end. */
  commit(deed: AuditedAction, id: string): Promise<ImportReport> {
    return this.asked(deed, id, ['rehearsed'], async (transaction, record) => {
      const states = ['created', 'updated', 'unchanged', 'waiting'] as const;
      await this.reruns.ask(transaction, record, states, { mode: 'commit' });
    });
  }

  /** Ends an import between two bundles; what was written stays (undo takes it back), the rest stays pending (retry takes it up). */
  cancel(deed: AuditedAction, id: string): Promise<ImportReport> {
    return this.asked(deed, id, ['inspecting', 'queued', 'running', 'rehearsed'], async (transaction) => {
      await transaction
        .update(imports)
        .set({ status: 'cancelled', sameness: null, finishedAt: new Date() })
        .where(eq(imports.id, id));
    });
  }

  /** Runs the rows again that were refused, wait or were never reached; a file that was never read is inspected again. */
  retry(deed: AuditedAction, id: string): Promise<ImportReport> {
    return this.asked(deed, id, RETRIED, async (transaction, record) => {
      if (record.source !== null)
        return this.reruns.ask(transaction, record, ['rejected', 'waiting', 'pending']);
      await transaction
        .update(imports)
        .set({ status: 'inspecting', failure: null, finishedAt: null })
        .where(eq(imports.id, id));
      await this.queue.add('import-inspect', [{ import_id: id }], transaction);
    });
  }

  /** Takes back what an import wrote, as far as nobody changed it and no other import relies on it since. Asked for again meanwhile, it goes on. */
  undo(deed: AuditedAction, id: string): Promise<ImportReport> {
    const ended: readonly Status[] = ['completed', 'completed_with_errors', 'cancelled', 'failed'];
    return this.asked(
      deed,
      id,
      ended,
      async (transaction, record) => {
        if (record.undoing !== null) return;
        await transaction
          .update(imports)
          .set({ undoing: 'asked', sameness: null, finishedAt: null })
          .where(eq(imports.id, id));
        // Its rows wait for nothing any more.
        await transaction.execute(sql`delete from waiting_words where import_id = ${id}`);
        await this.queue.add('import-undo', [{ import_id: id }], transaction);
      },
      true,
    );
  }

  /** Runs the rows of all imports again that wait for a word which has been decided. */
  async rerunWaitingFor(term: string): Promise<void> {
    const waiting = await this.database.execute<{ import_id: string }>(sql`
      select distinct import_id from waiting_words where term = ${term}`);
    for (const { import_id } of waiting)
      await this.rerun(import_id, async (transaction, record) => {
        const which = sql`${importRows.row} in (
          select row from waiting_words where import_id = ${import_id} and term = ${term})`;
        if (record.mode === 'commit' || record.status === 'rehearsed')
          await this.reruns.beginNow(transaction, record, ['waiting'], which);
      }).catch((error: unknown) => {
        // One that still runs looks for such words when it ends (`Words.decidedDuringRun`).
        if (!(error instanceof Conflict)) throw error;
      });
  }

  /** What a person asks for, and its row in the audit: both or neither. */
  private async asked(
    action: AuditedAction,
    id: string,
    from: readonly Status[],
    work: Work,
    whileUndone = false,
  ): Promise<ImportReport> {
    await this.deeds.record(deed, 202, (transaction) => change(transaction, id, from, work, whileUndone));
    await this.imports.tell(id);
    return this.imports.report(id);
  }

  private async rerun(id: string, work: Work): Promise<void> {
    await this.database.transaction((transaction) => change(transaction, id, RERUN, work));
    await this.imports.tell(id);
  }
}

/** Does it to an import that is as it must be, alone; Conflict to any other. */
async function change(
  transaction: Transaction,
  id: string,
  from: readonly Status[],
  work: Work,
  whileUndone = false,
): Promise<void> {
  const [record] = await transaction.select().from(imports).where(eq(imports.id, id)).for('update');
  if (record === undefined) throw new NotVisible();
  if (record.undoing !== null && !whileUndone)
    throw new Conflict('import-state-conflict', 'This import is being undone.');
  if (record.undoing === null && !from.includes(record.status))
    throw new Conflict('import-state-conflict', `This import is ${record.status}.`);
  await work(transaction, record);
}
