import { createInterface } from 'node:readline/promises';
import type { RecordsClient, WaitingTerm } from '../demo/records.client.ts';

const SNOMED = 'http://snomed.info/sct';
const MOST_SUGGESTIONS = 5;

interface Choice {
  readonly name: string;
  readonly target: object;
}

/** The input of a person: a line, or undefined at the end of the input. */
export type Asking = (question: string) => Promise<string | undefined>;

/** Reads answers from the terminal, or from lines of standard input. Call `close` at the end. */
export function askTerminal(): { ask: Asking; close: () => void } {
  const reader = createInterface({ input: process.stdin, terminal: false });
  const lines = reader[Symbol.asyncIterator]();
  const ask: Asking = async (question) => {
    process.stdout.write(question);
    const { value, done } = await lines.next();
    return done === true ? undefined : value;
  };
  return { ask, close: () => reader.close() };
}

/**
 * Asks a person about each word that rows of the import wait for, and sends the decisions. Returns the number of decided words. The answer
 * is the number of a suggestion, a SNOMED CT code, `i` to ignore the word, or nothing to leave it for later.
 */
export async function decideWords(records: RecordsClient, importId: string, ask: Asking): Promise<number> {
  const words = await records.waitingTerms(importId);
  let decided = 0;
  for (const [at, term] of words.entries()) {
    console.log(
      `\nWord ${at + 1} of ${words.length}: ${term.word} (${term.rows_waiting} rows, column ${term.column})`,
    );
    const choices = await choicesFor(records, term);
    for (const [number, { name }] of choices.entries()) console.log(`  ${number + 1}  ${name}`);
    const answer = await ask('Number, SNOMED CT code, i = ignore, empty = later: ');
    if (answer === undefined) break;
    if (await decideOne(records, term, answer.trim(), choices, ask)) decided += 1;
  }
  return decided;
}

async function choicesFor(records: RecordsClient, { id }: WaitingTerm): Promise<Choice[]> {
  const found = await records.suggestions(id);
  return found.slice(0, MOST_SUGGESTIONS).map(({ target }) => {
    const coding = target.kind === 'condition' ? target.coding : target.value[0];
    return { name: `${coding?.code ?? ''} ${coding?.display ?? ''} (${target.kind})`, target };
  });
}

async function decideOne(
  records: RecordsClient,
  { id, word }: WaitingTerm,
  answer: string,
  choices: readonly Choice[],
  ask: Asking,
): Promise<boolean> {
  if (answer === '') return false;
  const target = targetOf(answer, choices);
  if (target === undefined) {
    console.log(`${answer} is neither a number of the list nor a code. The word stays for later.`);
    return false;
  }
  let outcome = await records.decide(id, target);
  if (outcome.isConfirmable) {
    const sure = await ask(`${outcome.said} Confirm? y/n: `);
    if (sure?.trim().toLowerCase() !== 'y') return false;
    outcome = await records.decide(id, target === 'ignore' ? target : { ...target, confirm: true }, true);
  }
  console.log(outcome.said === '' ? `${word}: decided` : `${word}: ${outcome.said}`);
  return outcome.said === '';
}

function targetOf(answer: string, choices: readonly Choice[]): object | 'ignore' | undefined {
  if (answer.toLowerCase() === 'i') return 'ignore';
  const choice = choices[Number(answer) - 1];
  if (choice !== undefined) return choice.target;
  if (!/^\d{6,18}$/.test(answer)) return undefined;
  return { kind: 'condition', coding: { system: SNOMED, code: answer } };
}
