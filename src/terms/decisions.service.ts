import { Inject, Injectable } from '@nestjs/common';
import { inArray, sql } from 'drizzle-orm';
import type { z } from 'zod';
import { type AuditedAction, AuditedActions } from '../audit/audited.actions.js';
import type { Account } from '../authn/account.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { Queue } from '../database/queue.js';
import { terms } from '../database/schema.records.js';
import { type TermConceptMap, wordsOf } from '../mapping/words/concept.map.js';
import { BadField } from '../problems/errors.js';
import { conceptMapOf, type DecisionMap } from './decisions.map.js';
import { DecidedTarget } from './term.target.js';
import { beginningOf, wordKey } from './word.key.js';

type Language = (typeof terms.$inferSelect)['language'];

interface Given {
  readonly language: Language;
  readonly folded: string;
  readonly word: string;
  readonly target: z.output<typeof DecidedTarget> | null;
}

const SHOWN = 200;

/** People's decisions as a ConceptMap, to be kept or taken elsewhere. */
@Injectable()
export class Decisions {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly queue: Queue,
    private readonly auditedActions: AuditedActions,
  ) {}

  /** All decisions; a word that is ignored is `unmatched`. Texts too long to be kept in full are left out: they would not come back. */
  async export(): Promise<DecisionMap> {
    const rows = await this.database
      .select()
      .from(terms)
      .where(inArray(terms.state, ['decided', 'ignored']))
      .orderBy(terms.language, terms.folded);
    return conceptMapOf(
      rows.flatMap(({ language, folded, word, target }) => {
        // A code of FHIR has single blanks, and none at its ends.
        const code = word.trim().replace(/\s+/gu, ' ');
        if (wordKey(code) !== folded) return [];
        return [
          { language, word: code, ...(target === null ? {} : { target: DecidedTarget.parse(target) }) },
        ];
      }),
    );
  }

  /**
   * Takes decisions from a ConceptMap; they replace earlier ones, and the rows that wait run again. Words with several meanings, or with
   * none that is equivalent, are left out. BadField for a meaning that nobody could decide.
   */
  async import(
    action: AuditedAction,
    map: TermConceptMap,
    account: Account,
  ): Promise<{ taken: number; left_out: number }> {
    const words = wordsOf(map);
    const given = new Map<string, Given | undefined>();
    for (const { language, word, targets, unmatched } of words) {
      if (!isLanguage(language))
        throw new BadField(
          'invalid-field',
          'group.source',
          'Words are of one of the languages pt, en and es.',
        );
      const folded = wordKey(word);
      const key = `${language}:${folded}`;
      const [target, ...more] = targets;
      const one = more.length === 0 && (target !== undefined || unmatched) && !given.has(key);
      given.set(
        key,
        one
          ? { language, folded, word: beginningOf(word, SHOWN), target: target ? targetOf(target) : null }
          : undefined,
      );
    }
    // In one order everywhere, so that two imports at once wait for each other and not in a circle.
    const taken = [...given]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .flatMap(([, decision]) => decision ?? []);
    action.addFacts({ detail: { taken: taken.length, left_out: given.size - taken.length } });
    await this.store(action, taken, account);
    return { taken: taken.length, left_out: given.size - taken.length };
  }

  private async store(action: AuditedAction, decisions: readonly Given[], account: Account): Promise<void> {
    await this.auditedActions.record(action, 200, async (transaction) => {
      if (decisions.length === 0) return;
      // One statement for all words: a map may hold thousands.
      const rows = await transaction.execute<{ id: string; waited_for: boolean }>(sql`
        insert into terms (language, folded, word, source_column, state, target, checked, decided_by, decided_at)
        select language, folded, word, '', case when target is null then 'ignored' else 'decided' end, target,
          false, ${account.name}, now()
        from rows from (jsonb_to_recordset(${JSON.stringify(decisions.map(rowOf))}::jsonb)
          as (language text, folded text, word text, target jsonb)) with ordinality
            as given (language, folded, word, target, number)
        order by number
        on conflict (language, folded) do update set state = excluded.state, target = excluded.target,
          checked = excluded.checked, decided_by = excluded.decided_by, decided_at = excluded.decided_at
        returning id, exists (select from waiting_words where term = terms.id) as waited_for`);
      const jobs = rows.flatMap(({ id, waited_for }) => (waited_for ? [{ term: id }] : []));
      await this.queue.add('term-decided', jobs, transaction);
    });
  }
}

/** Without a member `target` the column is NULL; a `null` in JSON would become the JSON value null. */
const rowOf = ({ target, ...word }: Given) => (target === null ? word : { ...word, target });

function targetOf(target: unknown): z.output<typeof DecidedTarget> {
  const parsed = DecidedTarget.safeParse(target);
  if (!parsed.success)
    throw new BadField('invalid-field', 'group', 'A meaning in the map is none that could be decided.');
  return parsed.data;
}

function isLanguage(text: string): text is Language {
  return text === 'pt' || text === 'en' || text === 'es';
}
