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
import { DecidedTarget, KnownTarget } from './term.target.js';
import { type ServerUse, Terminology } from './terminology.service.js';
import type { TermsQuery } from './terms.query.js';

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
  created_at: z.iso.datetime(),
  decided_by: z.string().nullable(),
  decided_at: z.iso.datetime().nullable(),
});
export type Term = z.output<typeof Term>;

/** The number of decisions that a word is compared with to find suggestions. The latest decisions are used. */
const MOST_DECIDED = 5_000;

/**
 * The number of rows that a decision runs again. Rows of cancelled, failed and undone imports do not count, because a decision does not run
 * them.
 */
const rowsWaiting = sql<number>`(select count(*)::int from waiting_words where waiting_words.term = ${terms.id}
  and import_id in (select imports.id from imports where imports.status not in ('cancelled', 'failed', 'undone')))`;

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
    const { state, language, q, limit, offset } = query;
    const which = and(
      state === undefined ? undefined : eq(terms.state, state),
      language === undefined ? undefined : eq(terms.language, language),
      q === '' ? undefined : sql`strpos(lower(${terms.word}), lower(${q})) > 0`,
    );
    const rows = await this.database
      .select({ term: terms, rows: rowsWaiting })
      .from(terms)
      .where(which)
      .orderBy(...orderOf(query))
      .limit(limit)
      .offset(offset);
    return {
      items: rows.map(({ term, rows: count }) => termOf(term, count)),
      total: await this.database.$count(terms, which),
    };
  }

  async get(id: string): Promise<Term> {
    const [found] = await this.database
      .select({ term: terms, rows: rowsWaiting })
      .from(terms)
      .where(eq(terms.id, id));
    if (found === undefined) throw new NotVisible();
    return termOf(found.term, found.rows);
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
   * Decides a word. The rows that wait for the word run again. Without a target, the word is ignored. If a decision is changed later, the
   * new decision applies only to rows that run later, and written resources do not change. Throws BadField for a code that the terminology
   * server rejects.
   */
  async decide(
    action: AuditedAction,
    id: string,
    target: z.output<typeof DecidedTarget> | undefined,
    account: Account,
  ): Promise<Term> {
    if (target !== undefined) action.addFacts({ detail: { target } });
    const meaning = target === undefined ? undefined : await this.check.check(target);
    await this.auditedActions.record(action, 200, async (transaction) => {
      const decision = { decidedBy: account.name, decidedAt: new Date() };
      const [row] = await transaction
        .update(terms)
        .set(
          meaning === undefined
            ? { ...decision, state: 'ignored', target: null, checked: false }
            : { ...decision, state: 'decided', ...meaning },
        )
        .where(eq(terms.id, id))
        .returning();
      if (row === undefined) throw new NotVisible();
      await this.queue.add('term-decided', [{ term: id }], transaction);
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
    return rows.map(({ word, target }) => ({ word, meaning: DecidedTarget.parse(target) }));
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

function termOf(row: typeof terms.$inferSelect, rows: number): Term {
  return {
    id: row.id,
    word: row.word,
    language: row.language,
    column: row.sourceColumn,
    state: row.state,
    target: row.target === null ? null : DecidedTarget.parse(row.target),
    checked: row.checked,
    rows_waiting: rows,
    created_at: row.createdAt.toISOString(),
    decided_by: row.decidedBy,
    decided_at: row.decidedAt?.toISOString() ?? null,
  };
}
