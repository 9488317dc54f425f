import { Inject, Injectable } from '@nestjs/common';
import { and, desc, eq, inArray, sql } from 'drizzle-orm';
import type { z } from 'zod';
import type { Account } from '../authn/account.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { Queue } from '../database/queue.js';
import { terms } from '../database/schema.records.js';
import { indexConceptMap, type TermConceptMap } from '../mapping/concept.map.js';
import { NotVisible } from '../problems/errors.js';
import { conceptMapOf } from './decisions.map.js';
import { similarWords, type Suggestion } from './similar.words.js';
import { DecidedTarget } from './term.target.js';

export type TermState = (typeof terms.$inferSelect)['state'];
type Language = (typeof terms.$inferSelect)['language'];

/** A word of the inbox. */
export interface Term {
  readonly id: string;
  readonly word: string;
  readonly language: string;
  readonly column: string;
  readonly state: TermState;
  readonly target: z.output<typeof DecidedTarget> | null;
  /** How many rows wait for it. */
  readonly rows_waiting: number;
  readonly created_at: string;
  readonly decided_by: string | null;
  readonly decided_at: string | null;
}

const waiting = sql<number>`(select count(*)::int from waiting_words where waiting_words.term = ${terms.id})`;

/** The inbox of unknown words and what people decided they mean. A missing word is NotVisible. */
@Injectable()
export class Terms {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly queue: Queue,
  ) {}

  /** Words for which most rows wait first. */
  async list(
    state: TermState | undefined,
    limit: number,
    offset: number,
  ): Promise<{ items: Term[]; total: number }> {
    const which = state === undefined ? undefined : eq(terms.state, state);
    const rows = await this.database
      .select({ term: terms, rows: waiting })
      .from(terms)
      .where(which)
      .orderBy(desc(waiting), terms.word, terms.id)
      .limit(limit)
      .offset(offset);
    return {
      items: rows.map(({ term, rows: count }) => termOf(term, count)),
      total: await this.database.$count(terms, which),
    };
  }

  async get(id: string): Promise<Term> {
    const [found] = await this.database
      .select({ term: terms, rows: waiting })
      .from(terms)
      .where(eq(terms.id, id));
    if (found === undefined) throw new NotVisible();
    return termOf(found.term, found.rows);
  }

  /** Known words that look like it, best first; never taken without a person. */
  async suggestions(id: string): Promise<Suggestion[]> {
    const { word, language } = await this.get(id);
    return similarWords(word, language);
  }

  /** Settles a word for good; the rows that wait for it run again. A later decision replaces it. */
  async decide(
    id: string,
    target: z.output<typeof DecidedTarget> | undefined,
    account: Account,
  ): Promise<Term> {
    await this.database.transaction(async (transaction) => {
      const settled = { decidedBy: account.name, decidedAt: new Date() };
      const [row] = await transaction
        .update(terms)
        .set(
          target === undefined
            ? { ...settled, state: 'ignored', target: null }
            : { ...settled, state: 'decided', target },
        )
        .where(eq(terms.id, id))
        .returning();
      if (row === undefined) throw new NotVisible();
      await this.queue.add('term-decided', [{ term: id }], transaction);
    });
    return this.get(id);
  }

  /** People's decisions as a ConceptMap of R4, to be kept or taken elsewhere. */
  async exportMap(): Promise<TermConceptMap> {
    const rows = await this.database
      .select()
      .from(terms)
      .where(and(eq(terms.state, 'decided')))
      .orderBy(terms.language, terms.folded);
    return conceptMapOf(
      rows.map(({ language, word, target }) => ({ language, word, target: DecidedTarget.parse(target) })),
    );
  }

  /** Takes decisions from a ConceptMap; a word with several meanings is none. Returns how many were taken. */
  async importMap(map: TermConceptMap, account: Account): Promise<number> {
    const decisions = [...indexConceptMap(map)].flatMap(([key, targets]) => {
      const at = key.indexOf(':');
      const [language, folded] = [key.slice(0, at), key.slice(at + 1)];
      const [target] = targets;
      return target === undefined || targets.length > 1 || !isLanguage(language)
        ? []
        : [{ language, folded, target }];
    });
    await this.database.transaction(async (transaction) => {
      const taken: string[] = [];
      for (const { language, folded, target } of decisions) {
        const settled = { state: 'decided', target, decidedBy: account.name, decidedAt: new Date() } as const;
        const [row] = await transaction
          .insert(terms)
          .values({ language, folded, word: folded, sourceColumn: '', ...settled })
          .onConflictDoUpdate({ target: [terms.language, terms.folded], set: settled })
          .returning();
        if (row !== undefined) taken.push(row.id);
      }
      const waited =
        taken.length === 0
          ? []
          : await transaction
              .select()
              .from(terms)
              .where(and(inArray(terms.id, taken), sql`${waiting} > 0`));
      await this.queue.add(
        'term-decided',
        waited.map(({ id }) => ({ term: id })),
        transaction,
      );
    });
    return decisions.length;
  }
}

function isLanguage(text: string): text is Language {
  return text === 'pt' || text === 'en' || text === 'es';
}

function termOf(row: typeof terms.$inferSelect, rows: number): Term {
  return {
    id: row.id,
    word: row.word,
    language: row.language,
    column: row.sourceColumn,
    state: row.state,
    target: row.target === null ? null : DecidedTarget.parse(row.target),
    rows_waiting: rows,
    created_at: row.createdAt.toISOString(),
    decided_by: row.decidedBy,
    decided_at: row.decidedAt?.toISOString() ?? null,
  };
}
