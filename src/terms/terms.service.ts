import { Inject, Injectable } from '@nestjs/common';
import { and, asc, desc, eq, ne, type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type AuditedAction, AuditedActions } from '../audit/audited.actions.js';
import type { Account } from '../authn/account.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { Queue } from '../database/queue.js';
import { TERM_STATES, terms } from '../database/schema.records.js';
import { NotVisible } from '../problems/errors.js';
import { TargetCheck } from './target.check.js';
import {
  ConceptMapSuggester,
  DecisionSuggester,
  ServerSuggester,
  suggestAll,
  type Suggestion,
  TypedCodeSuggester,
} from './term.suggesters.js';
import { type DecidedTarget, KnownTarget, meaningOf, storedMeaning, StoredTarget } from './term.target.js';
import { type ServerUse, Terminology } from './terminology.service.js';
import type { TermsQuery } from './terms.query.js';
import { confirmEffects, rowsWaiting, usesToCorrect } from './word.effects.js';

/** A word of the inbox, as the API shows it. */
export const Term = z.object({
  id: z.uuid(),
  word: z.string(),
  language: z.string(),
  column: z.string(),
  state: z.enum(TERM_STATES),
  target: KnownTarget.nullable(),
  checked: z
    .boolean()
    .describe('A terminology server accepted the code: it is known, active and of the right kind.'),
  rows_waiting: z.int().describe('The number of rows that a decision would run again.'),
  records_to_correct: z
    .int()
    .describe('The number of uses of the word that a changed decision has not corrected yet.'),
  created_at: z.iso.datetime(),
  decided_by: z.string().nullable(),
  decided_at: z.iso.datetime().nullable(),
  reason: z.string().nullable(),
});
export type Term = z.output<typeof Term>;

/** The number of decisions that a word is compared with to find suggestions. The latest decisions are used. */
const MOST_DECIDED = 5_000;
const SHOWN = { term: terms, rows: rowsWaiting, stale: usesToCorrect };
const CONFIRM = 'Send the decision again with "confirm": true.';

/** The inbox of unknown words. Methods with an id throw NotVisible when the word does not exist. */
@Injectable()
export class Terms {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly queue: Queue,
    private readonly terminology: Terminology,
    private readonly check: TargetCheck,
    private readonly auditedActions: AuditedActions,
  ) {}

  /** A page of the inbox. By default, words with the most waiting rows are first. */
  async list(query: TermsQuery): Promise<{ items: Term[]; total: number }> {
    const { state, language, import: importId, q, limit, offset } = query;
    const which = and(
      state === undefined ? undefined : eq(terms.state, state),
      language === undefined ? undefined : eq(terms.language, language),
      importId === undefined
        ? undefined
        : sql`exists (select from waiting_words where import_id = ${importId} and term = terms.id)`,
      q === '' ? undefined : sql`strpos(lower(${terms.word}), lower(${q})) > 0`,
    );
    const rows = await this.database
      .select(SHOWN)
      .from(terms)
      .where(which)
      .orderBy(...orderOf(query))
      .limit(limit)
      .offset(offset);
    return {
      items: rows.map(termOf),
      total: await this.database.$count(terms, which),
    };
  }

  async get(id: string): Promise<Term> {
    const [found] = await this.database.select(SHOWN).from(terms).where(eq(terms.id, id));
    if (found === undefined) throw new NotVisible();
    return termOf(found);
  }

  /**
   * Suggestions for a word, best first. They come from a typed code, from similar known words, and from a terminology server. `server` says
   * how the terminology server was used.
   */
  async suggestions(id: string): Promise<{ items: Suggestion[]; server: ServerUse }> {
    const { word, language } = await this.get(id);
    const [decided, { server, found }] = await Promise.all([
      this.decidedIn(language, id),
      this.terminology.find(word, language),
    ]);
    const suggesters = [
      new TypedCodeSuggester(),
      new ConceptMapSuggester(),
      new DecisionSuggester(decided),
      new ServerSuggester(found),
    ];
    return { items: suggestAll(suggesters, word, language), server };
  }

  /**
   * Decides a word, or ignores it if `target` is missing. The rows that wait for the word run again. If the new decision has another
   * meaning than the old decision, a job corrects the records that the old decision has given. Throws ConfirmationNeeded when there are
   * such records and the decision is not confirmed. Throws BadField for a code that the terminology server rejects.
   */
  async decide(
    action: AuditedAction,
    id: string,
    target: DecidedTarget | undefined,
    how: { readonly confirm: boolean; readonly reason?: string | undefined },
    account: Account,
  ): Promise<Term> {
    if (target !== undefined) action.addFacts({ detail: { target } });
    const checked = target === undefined ? undefined : await this.check.check(target);
    const meaning = checked ?? { target: null, checked: false };
    await this.auditedActions.record(action, 200, async (transaction) => {
      const [before] = await transaction.select().from(terms).where(eq(terms.id, id)).for('update');
      if (before === undefined) throw new NotVisible();
      const isChanged = storedMeaning(before) !== meaningOf(meaning.target);
      const affected = await confirmEffects(transaction, isChanged ? [id] : [], how.confirm, CONFIRM);
      if (affected !== undefined) action.addFacts({ detail: { affected } });
      await transaction
        .update(terms)
        .set({
          ...meaning,
          state: meaning.target === null ? 'ignored' : 'decided',
          revision: before.revision + (isChanged ? 1 : 0),
          reason: how.reason ?? null,
          decidedBy: account.name,
          decidedAccount: account.id,
          decidedAt: new Date(),
        })
        .where(eq(terms.id, id));
      await this.queue.add('term-decided', [{ term: id }], transaction);
      // The job also runs if no record is known yet, because a running import may be writing records with the old decision.
      if (isChanged) await this.queue.add('term-corrected', [{ term: id }], transaction);
    });
    return this.get(id);
  }

  private async decidedIn(language: string, except: string) {
    const rows = await this.database
      .select({ word: terms.word, target: terms.target })
      .from(terms)
      .where(and(eq(terms.state, 'decided'), sql`${terms.language} = ${language}`, ne(terms.id, except)))
      .orderBy(desc(terms.decidedAt))
      .limit(MOST_DECIDED);
    return rows.map(({ word, target }) => ({ word, meaning: StoredTarget.parse(target) }));
  }
}

function orderOf({ sort: { field, descending } }: TermsQuery): SQL[] {
  const columns = {
    rows_waiting: rowsWaiting,
    word: terms.word,
    created_at: terms.createdAt,
    decided_at: terms.decidedAt,
    state: terms.state,
  };
  return [descending ? desc(columns[field]) : asc(columns[field]), asc(terms.word), asc(terms.id)];
}

interface ShownTerm {
  readonly term: typeof terms.$inferSelect;
  readonly rows: number;
  readonly stale: number;
}

function termOf({ term: row, rows, stale }: ShownTerm): Term {
  return {
    id: row.id,
    word: row.word,
    language: row.language,
    column: row.sourceColumn,
    state: row.state,
    target: row.target === null ? null : StoredTarget.parse(row.target),
    checked: row.checked,
    rows_waiting: rows,
    records_to_correct: stale,
    created_at: row.createdAt.toISOString(),
    decided_by: row.decidedBy,
    decided_at: row.decidedAt?.toISOString() ?? null,
    reason: row.reason,
  };
}
