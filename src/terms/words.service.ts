import { Inject, Injectable } from '@nestjs/common';
import { inArray, sql } from 'drizzle-orm';
import { DATABASE, type Database } from '../database/database.module.js';
import { terms } from '../database/schema.records.js';
import { indexConceptMap, lookUpTerm } from '../mapping/concept.map.js';
import { SHIPPED_TERMS } from '../mapping/defaults.js';
import type { WaitingWord } from '../mapping/row.plan.js';
import type { LookUp, TermAnswer } from '../mapping/term.js';
import { foldTerm } from '../mapping/term.folding.js';
import { DecidedTarget } from './term.target.js';

const shipped = indexConceptMap(SHIPPED_TERMS);

/** What words mean: the shipped ConceptMap first, then what people decided; the rest waits in the inbox. */
@Injectable()
export class Words {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** The chain as it stands now, for one chunk of rows: its answers do not change while the chunk is mapped. */
  async lookUp(): Promise<LookUp> {
    const rows = await this.database
      .select()
      .from(terms)
      .where(inArray(terms.state, ['decided', 'ignored']));
    const decided = new Map(rows.map((row) => [keyOf(row.language, row.folded), answerOf(row)]));
    return (question) => {
      const answer = lookUpTerm(shipped, question);
      if (answer.outcome === 'mapped') return answer;
      return decided.get(keyOf(question.language, foldTerm(question.text))) ?? answer;
    };
  }

  /** Puts words into the inbox and notes which rows wait for them; rows that wait no more are forgotten. */
  async wait(
    importId: string,
    rows: readonly { readonly row: number; readonly words: readonly WaitingWord[] }[],
  ): Promise<void> {
    const numbers = rows.map(({ row }) => row);
    const waiting = rows.flatMap(({ row, words }) =>
      words.map((word) => ({
        row,
        language: word.language,
        folded: foldTerm(word.text),
        word: word.text.slice(0, 200),
        column: word.column,
        state: word.outcome,
      })),
    );
    await this.database.transaction(async (transaction) => {
      await transaction.execute(sql`
        delete from waiting_words where import_id = ${importId}
          and row in (select jsonb_array_elements_text(${JSON.stringify(numbers)}::jsonb)::int)`);
      if (waiting.length === 0) return;
      const recordset = sql`jsonb_to_recordset(${JSON.stringify(waiting)}::jsonb)
        as given (row int, language text, folded text, word text, "column" text, state text)`;
      await transaction.execute(sql`
        insert into terms (language, folded, word, source_column, state)
        select distinct on (language, folded) language, folded, word, "column", state from ${recordset}
        order by language, folded on conflict (language, folded) do nothing`);
      await transaction.execute(sql`
        insert into waiting_words (import_id, row, term)
        select ${importId}, given.row, terms.id from ${recordset}
        join terms on terms.language = given.language and terms.folded = given.folded
        on conflict do nothing`);
    });
  }
}

function keyOf(language: string, folded: string): string {
  return `${language}:${folded}`;
}

function answerOf(row: typeof terms.$inferSelect): TermAnswer {
  const source = 'decision';
  if (row.state !== 'decided') return { outcome: 'ignored', source };
  return { outcome: 'mapped', target: DecidedTarget.parse(row.target), source };
}
