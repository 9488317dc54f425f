import { Inject, Injectable } from '@nestjs/common';
import { inArray, sql } from 'drizzle-orm';
import { type AuditedAction, AuditedActions } from '../audit/audited.actions.js';
import type { Account } from '../authn/account.js';
import { DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { Queue } from '../database/queue.js';
import { terms } from '../database/schema.records.js';
import { type TermConceptMap, wordsOf } from '../mapping/words/concept.map.js';
import { BadField } from '../problems/errors.js';
import { conceptMapOf, type DecisionMap } from './decisions.map.js';
import { kindFaultOf } from './target.kinds.js';
import { DecidedTarget, meaningOf, storedMeaning, StoredTarget } from './term.target.js';
import { confirmEffects } from './word.effects.js';
import { beginningOf, wordKey } from './word.key.js';

type Language = (typeof terms.$inferSelect)['language'];

interface Decision {
  readonly language: Language;
  readonly folded: string;
  readonly word: string;
  readonly target: DecidedTarget | null;
}

/** The maximum number of characters of a word that are stored for the inbox. */
const SHOWN = 200;
const CONFIRM = 'Send the ConceptMap again with confirm=true.';

/** Exports and imports the decisions about words as a ConceptMap. */
@Injectable()
export class Decisions {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly queue: Queue,
    private readonly auditedActions: AuditedActions,
  ) {}

  /**
   * Returns all decisions. An ignored word is `unmatched`. A word that was too long to be stored in full is left out, because an import
   * could not match the shortened word.
   */
  async export(): Promise<DecisionMap> {
    const rows = await this.database
      .select()
      .from(terms)
      .where(inArray(terms.state, ['decided', 'ignored']))
      .orderBy(terms.language, terms.folded);
    return conceptMapOf(
      rows.flatMap(({ language, folded, word, target }) => {
        // A FHIR code has no repeated white space and no white space at its start or end.
        const code = word.trim().replace(/\s+/gu, ' ');
        if (wordKey(code) !== folded) return [];
        return [{ language, word: code, ...(target === null ? {} : { target: StoredTarget.parse(target) }) }];
      }),
    );
  }

  /**
   * Imports decisions from a ConceptMap. The imported decisions replace earlier decisions, and the rows that wait for these words run
   * again. Words with several targets, or without an equivalent target, are left out. Throws BadField for an invalid target. Throws
   * ConfirmationNeeded when a changed decision has given records and the import is not confirmed.
   */
  async import(
    action: AuditedAction,
    map: TermConceptMap,
    confirmed: boolean,
    account: Account,
  ): Promise<{ taken: number; left_out: number }> {
    const words = wordsOf(map);
    const decisions = new Map<string, Decision | undefined>();
    for (const { language, word, targets, unmatched } of words) {
      if (!isLanguage(language))
        throw new BadField(
          'invalid-field',
          'group.source',
          'The source of the group is unknown. Use urn:radgate:words:pt, urn:radgate:words:en or urn:radgate:words:es.',
        );
      const folded = wordKey(word);
      const key = `${language}:${folded}`;
      const [target, ...more] = targets;
      const isUsable = more.length === 0 && (target !== undefined || unmatched) && !decisions.has(key);
      decisions.set(
        key,
        isUsable
          ? { language, folded, word: beginningOf(word, SHOWN), target: target ? targetOf(target) : null }
          : undefined,
      );
    }
    // Sort the decisions, so that two concurrent imports lock the rows in the same order and cannot deadlock.
    const taken = [...decisions]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .flatMap(([, decision]) => decision ?? []);
    action.addFacts({ detail: { taken: taken.length, left_out: decisions.size - taken.length } });
    await this.store(action, taken, confirmed, account);
    return { taken: taken.length, left_out: decisions.size - taken.length };
  }

  private async store(
    action: AuditedAction,
    decisions: readonly Decision[],
    confirmed: boolean,
    account: Account,
  ): Promise<void> {
    await this.auditedActions.record(action, 200, async (transaction) => {
      if (decisions.length === 0) return;
      const changed = await changedOf(transaction, decisions);
      const ids = [...changed.values()].flatMap((id) => id ?? []);
      const affected = await confirmEffects(transaction, ids, confirmed, CONFIRM);
      if (affected !== undefined) action.addFacts({ detail: { affected } });
      // Use one statement for all words, because a ConceptMap can contain thousands of words.
      const rows = await transaction.execute<{ id: string; waited_for: boolean }>(sql`
        insert into terms (language, folded, word, source_column, state, target, checked, decided_by, decided_account, decided_at, revision)
        select language, folded, word, '', case when target is null then 'ignored' else 'decided' end, target,
          false, ${account.name}, ${account.id}, now(), case when changed then 1 else 0 end
        from rows from (jsonb_to_recordset(${JSON.stringify(decisions.map((one) => rowOf(one, changed)))}::jsonb)
          as (language text, folded text, word text, target jsonb, changed boolean)) with ordinality
            as given (language, folded, word, target, changed, number)
        order by number
        on conflict (language, folded) do update set state = excluded.state, target = excluded.target,
          checked = excluded.checked, decided_by = excluded.decided_by, decided_at = excluded.decided_at, reason = null,
          decided_account = excluded.decided_account, revision = terms.revision + excluded.revision
        returning id, exists (select from waiting_words where term = terms.id) as waited_for`);
      const jobs = rows.flatMap(({ id, waited_for }) => (waited_for ? [{ term: id }] : []));
      await this.queue.add('term-decided', jobs, transaction);
      const corrected = ids.map((term) => ({ term }));
      await this.queue.add('term-corrected', corrected, transaction);
    });
  }
}

/** The key of a word in the inbox. */
const keyOf = ({ language, folded }: Pick<Decision, 'language' | 'folded'>) => `${language}:${folded}`;

/** The words that get another meaning, with the id of the word if the inbox contains it. Locks these words. */
async function changedOf(
  transaction: Transaction,
  decisions: readonly Decision[],
): Promise<Map<string, string | undefined>> {
  const words = JSON.stringify(decisions.map(({ language, folded }) => ({ language, folded })));
  const known = await transaction
    .select()
    .from(terms)
    .where(
      sql`(language, folded) in (select language, folded from jsonb_to_recordset(${words}::jsonb) as given (language text, folded text))`,
    )
    .orderBy(terms.language, terms.folded)
    .for('update');
  const byKey = new Map(known.map((row) => [keyOf(row), row]));
  return new Map(
    decisions.flatMap((decision): [string, string | undefined][] => {
      const before = byKey.get(keyOf(decision));
      const isSame = before !== undefined && storedMeaning(before) === meaningOf(decision.target);
      return isSame ? [] : [[keyOf(decision), before?.id]];
    }),
  );
}

/** The column values of a decision. A null `target` is left out, so that the column becomes SQL NULL instead of the JSON value `null`. */
function rowOf(decision: Decision, changedWords: ReadonlyMap<string, unknown>) {
  const { target, ...word } = decision;
  const changed = changedWords.has(keyOf(decision));
  return target === null ? { ...word, changed } : { ...word, target, changed };
}

function targetOf(target: unknown): DecidedTarget {
  const parsed = DecidedTarget.safeParse(target);
  const fault = parsed.success ? kindFaultOf(parsed.data) : undefined;
  if (fault !== undefined) throw new BadField('unusable-concept', 'group', fault.detail);
  if (!parsed.success)
    throw new BadField(
      'invalid-field',
      'group',
      'A target in the ConceptMap is invalid. Use a coding with system and code.',
    );
  return parsed.data;
}

function isLanguage(text: string): text is Language {
  return text === 'pt' || text === 'en' || text === 'es';
}
