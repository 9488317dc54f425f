import { Inject, Injectable } from '@nestjs/common';
import { inArray, sql } from 'drizzle-orm';
import { DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { terms } from '../database/schema.records.js';
import { indexConceptMap } from '../mapping/words/concept.map.js';
import { SHIPPED_TERMS } from '../mapping/defaults.js';
import type { WaitingWord } from '../mapping/row.plan.js';
import type { LookUp, TermAnswer } from '../mapping/words/term.js';
import { ConceptMapTerms, DecidedTerms, decisionKey, TermChain } from './term.mappers.js';
import { StoredTarget } from './term.target.js';
import { beginningOf, wordKey } from './word.key.js';

const shipped = new ConceptMapTerms(indexConceptMap(SHIPPED_TERMS));
/** The maximum number of characters of a word that are stored for the inbox. */
const SHOWN = 200;

/** The unknown words of a row. */
export interface RowWords {
  readonly row: number;
  readonly words: readonly WaitingWord[];
  /** Whether the row was written without these words and must run again when the words are decided. */
  readonly waits: boolean;
}

/** Looks up words in the shipped ConceptMap, then in the decisions. Adds unknown words to the inbox. */
@Injectable()
export class Words {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Returns a look-up that uses the current decisions. The answers of this look-up never change, so all rows of a chunk are mapped in the
   * same way.
   */
  async lookUp(): Promise<LookUp> {
    const rows = await this.database
      .select()
      .from(terms)
      .where(inArray(terms.state, ['decided', 'ignored']));
    const decided = new Map(rows.map((row) => [decisionKey(row.language, row.folded), answerOf(row)]));
    const chain = new TermChain([shipped, new DecidedTerms(decided)]);
    return (question) => chain.map(question);
  }

  /**
   * Adds words to the inbox and records which rows wait for these words. Earlier records of these rows are deleted. The words of a rejected
   * row are added too, but a rejected row does not wait.
   */
  async addToInbox(importId: string, rows: readonly RowWords[]): Promise<void> {
    const numbers = rows.map(({ row }) => row);
    const unknown = rows.flatMap(({ row, words, waits }) =>
      words.map((word) => ({
        row,
        waits,
        language: word.language,
        folded: wordKey(word.text),
        word: beginningOf(word.text, SHOWN),
        column: word.column,
        state: word.outcome,
      })),
    );
    await this.database.transaction(async (transaction) => {
      await transaction.execute(sql`
        delete from waiting_words where import_id = ${importId}
          and row in (select jsonb_array_elements_text(${JSON.stringify(numbers)}::jsonb)::int)`);
      if (unknown.length === 0) return;
      const recordset = sql`jsonb_to_recordset(${JSON.stringify(unknown)}::jsonb)
        as given (row int, waits boolean, language text, folded text, word text, "column" text, state text)`;
      await transaction.execute(sql`
        insert into terms (language, folded, word, source_column, state)
        select distinct on (language, folded) language, folded, word, "column", state from ${recordset}
        order by language, folded on conflict (language, folded) do nothing`);
      await transaction.execute(sql`
        insert into waiting_words (import_id, row, term)
        select ${importId}, given.row, terms.id from ${recordset}
        join terms on terms.language = given.language and terms.folded = given.folded
        where given.waits on conflict do nothing`);
    });
  }

  /**
   * The words that were decided during the run of an import and for which rows of the import still wait. These rows must run again. Call
   * this in the transaction that ends the import. A decision after this transaction finds that the import has ended, and runs the rows
   * itself.
   */
  async decidedDuringRun(importId: string, transaction: Transaction): Promise<string[]> {
    const rows = await transaction.execute<{ term: string }>(sql`
      select distinct waiting_words.term from waiting_words
      join terms on terms.id = waiting_words.term and terms.state in ('decided', 'ignored')
      join import_rows on import_rows.import_id = waiting_words.import_id and import_rows.row = waiting_words.row
      where waiting_words.import_id = ${importId} and import_rows.state = 'waiting'`);
    return rows.map(({ term }) => term);
  }

  /**
   * The words whose decision was changed during the run of an import, after the import had written records with the old decision. Call this
   * in the transaction that ends the import.
   */
  async correctedDuringRun(importId: string, transaction: Transaction): Promise<string[]> {
    const rows = await transaction.execute<{ term: string }>(sql`
      select distinct word_uses.term from word_uses join terms on terms.id = word_uses.term
      where word_uses.import_id = ${importId} and word_uses.revision < terms.revision`);
    return rows.map(({ term }) => term);
  }
}

function answerOf(row: typeof terms.$inferSelect): TermAnswer {
  const from = { source: 'decision', decision: { term: row.id, revision: row.revision } };
  if (row.state !== 'decided') return { outcome: 'ignored', ...from };
  return { outcome: 'mapped', target: StoredTarget.parse(row.target), ...from };
}
