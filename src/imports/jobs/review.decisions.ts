import { Inject, Injectable } from '@nestjs/common';
import { and, eq, isNull, sql } from 'drizzle-orm';
import { type AuditedAction, AuditedActions } from '../../audit/audited.actions.js';
import type { Account } from '../../authn/account.js';
import { BACKGROUND_DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { Queue } from '../../database/queue.js';
import {
  importReviewRows,
  importReviews,
  importRows,
  imports,
  type REVIEW_DECISIONS,
} from '../../database/schema.records.js';
import { BadField, Conflict, NotVisible } from '../../problems/errors.js';
import { Undo } from '../writing/undo.service.js';
import { ImportControl } from './import.control.js';

export type ReviewDecision = (typeof REVIEW_DECISIONS)[number];
/** The statuses of an import that runs. */
const MOVING = sql`('inspecting', 'queued', 'running')`;
/** The wait before the next attempt to undo a decision while an import runs. */
const RETRY_SECONDS = 5;
const ALL_STATES = ['created', 'updated', 'unchanged', 'rejected', 'waiting', 'duplicate'] as const;

interface ImportOfReview extends Record<string, unknown> {
  readonly import_id: string;
  readonly rows: number[];
  readonly undo: boolean;
  readonly moves: boolean;
}

/** Decides reviews, and undoes decisions. A job then runs the rows of the review again. */
@Injectable()
export class ReviewDecisions {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly queue: Queue,
    private readonly auditedActions: AuditedActions,
    private readonly undoing: Undo,
    private readonly control: ImportControl,
  ) {}

  /**
   * Decides a review. The same decision again changes nothing. `candidate` is the reference of the Patient that the row is about, if the
   * review has several candidates. Throws NotVisible for an unknown review, BadField for a missing or unknown candidate, and Conflict for
   * a review that has another decision or whose decision is being undone.
   */
  async decide(
    action: AuditedAction,
    id: string,
    { decision, candidate }: { readonly decision: ReviewDecision; readonly candidate?: string | undefined },
    account: Account,
  ): Promise<void> {
    action.addFacts({ detail: { decision, ...(candidate === undefined ? {} : { candidate }) } });
    await this.auditedActions.record(action, 200, async (transaction) => {
      const review = await lockedReview(transaction, id);
      const chosen = chosenOf(review.candidates, decision, candidate);
      if (review.decision === decision && review.chosen === chosen) return;
      if (review.undoing)
        throw new Conflict(
          'import-state-conflict',
          'The decision of this review is being undone. Try again later.',
        );
      if (review.decision !== null)
        throw new Conflict(
          'import-state-conflict',
          `This review was decided as ${review.decision}. Undo this decision first.`,
        );
      await transaction
        .update(importReviews)
        .set({
          decision,
          chosen,
          since: sql`nextval(pg_get_serial_sequence('import_writes', 'id'))`,
          decidedBy: account.name,
          decidedAt: new Date(),
        })
        .where(eq(importReviews.id, id));
      await this.queue.add('review-decided', [{ review: id }], transaction);
    });
  }

  /**
   * Undoes a decision: a job undoes the writes that the rows made since the decision, and the rows wait again. Throws Conflict for a review
   * without a decision, and while an import or the correction of a word of the review runs.
   */
  async undo(action: AuditedAction, id: string): Promise<void> {
    await this.auditedActions.record(action, 202, async (transaction) => {
      const review = await lockedReview(transaction, id);
      if (review.undoing) return;
      if (review.decision === null)
        throw new Conflict('import-state-conflict', 'This review has no decision to undo.');
      const [running] = await transaction
        .select({ id: imports.id })
        .from(importReviewRows)
        .innerJoin(imports, eq(imports.id, importReviewRows.importId))
        .where(and(eq(importReviewRows.review, id), sql`${imports.status} in ${MOVING}`))
        .limit(1);
      if (running !== undefined)
        throw new Conflict(
          'import-state-conflict',
          'An import of this review is running. Wait until it has ended.',
        );
      if (await isBeingCorrected(transaction, id))
        throw new Conflict(
          'import-state-conflict',
          'A corrected decision about a word is being applied to a row of this review. Wait until it has ended.',
        );
      await transaction
        .update(importReviews)
        .set({ decision: null, chosen: null, undoing: true, decidedBy: null, decidedAt: null })
        .where(eq(importReviews.id, id));
      await this.queue.add('review-decided', [{ review: id }], transaction);
    });
  }

  /** The job after a decision or its undo. It is safe to run the job again after a crash. */
  async apply(id: string, signal: AbortSignal): Promise<void> {
    const [review] = await this.database.select().from(importReviews).where(eq(importReviews.id, id));
    if (review === undefined) throw new NotVisible();
    // If two rows of the file are merged, or were merged before the decision, both rows run again. A rejected row stays rejected.
    const other = sql`case when ${review.decision === 'same'} or own.state = 'duplicate' then beside.row end`;
    // A later import can use the patient of an earlier import, so the writes of the later import are undone first.
    const found = await this.database.execute<ImportOfReview>(sql`
      select link.import_id, mode = 'commit' and status <> 'undone' and undoing is null as undo,
        status in ${MOVING} as moves, array_agg(distinct number) as rows
      from import_review_rows link join imports on imports.id = link.import_id
        join import_rows own on own.import_id = link.import_id and own.row = link.row
        left join import_rows beside on beside.import_id = link.import_id and beside.row = link.other_row
          and beside.state <> 'rejected'
        cross join lateral unnest(array_remove(array[link.row, ${other}], null)) number
      where review = ${id} group by link.import_id, imports.id order by imports.created_at desc`);
    if (review.undoing) {
      // Another decision or a retry has started a run, so that its rows could not run again now. Or a correction has sent records that are
      // not stored yet, so that they could not be undone now.
      if (found.some(({ moves }) => moves) || (await isBeingCorrected(this.database, id))) {
        await this.database.transaction((transaction) =>
          this.queue.add('review-decided', [{ review: id }], transaction, { afterSeconds: RETRY_SECONDS }),
        );
        return;
      }
      for (const { import_id, rows, undo } of found)
        if (undo) await this.undoing.undoRows(import_id, rows, review.since ?? 0, signal);
      await this.database
        .update(importReviews)
        .set({ undoing: false, since: null })
        .where(and(eq(importReviews.id, id), isNull(importReviews.decision)));
    }
    for (const { import_id, rows } of found)
      await this.control.rerunRows(import_id, ALL_STATES, sql`${importRows.row} in ${rows}`);
  }

  /**
   * Queues the reviews that were decided during the run of an import and for which rows of the import still wait. Call this in the
   * transaction that ends the import.
   */
  async queueDecided(importId: string, transaction: Transaction): Promise<void> {
    const found = await transaction.execute<{ review: string }>(sql`
      select distinct link.review from import_review_rows link
        join import_reviews on import_reviews.id = link.review and import_reviews.decision is not null
        join import_rows on import_rows.import_id = link.import_id and import_rows.row = link.row
          and import_rows.state = 'waiting' and import_rows.issues @> '[{"code": "identity-review"}]'
      where link.import_id = ${importId}`);
    await this.queue.add('review-decided', [...found], transaction);
  }
}

/** Whether a changed decision about a word has not corrected all records of the rows of a review yet. */
async function isBeingCorrected(database: Database | Transaction, id: string): Promise<boolean> {
  const found = await database.execute(sql`
    select from import_review_rows link
      join imports on imports.id = link.import_id and imports.status <> 'undone' and imports.undoing is null
      join word_uses uses on uses.import_id = link.import_id and uses.row = link.row
      join terms on terms.id = uses.term and uses.revision < terms.revision
    where link.review = ${id} limit 1`);
  return found.length > 0;
}

/** The id of the candidate that a decision chooses. Throws BadField if the decision does not fit the candidates. */
function chosenOf(
  candidates: readonly string[] | null,
  decision: ReviewDecision,
  candidate: string | undefined,
): string | null {
  if (decision !== 'same' || candidates === null) {
    if (candidate === undefined) return null;
    throw badCandidate('A candidate is only for the decision `same` about several candidates. Leave it out.');
  }
  const id = candidates.find((one) => `Patient/${one}` === candidate);
  if (id !== undefined) return id;
  throw badCandidate(
    'This review has several candidates. Send the `reference` of one of them as `candidate`.',
  );
}

const badCandidate = (detail: string) => new BadField('invalid-field', 'candidate', detail);

/** Reads a review and locks its row until the end of the transaction. Throws NotVisible for an unknown review. */
async function lockedReview(
  transaction: Transaction,
  id: string,
): Promise<typeof importReviews.$inferSelect> {
  const [review] = await transaction
    .select()
    .from(importReviews)
    .where(eq(importReviews.id, id))
    .for('update');
  if (review === undefined) throw new NotVisible();
  return review;
}
