import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { FileRefused } from '../../csv/csv.refusal.js';
import type { FileFinding } from '../../csv/file.findings.js';
import { availableNames } from '../../problems/available.js';
import type { RowPreview } from './list.preview.js';

/** Writes a line to the terminal. */
export const print = (line: string): boolean => process.stdout.write(`${line}\n`);

/** Throws an error with a sentence for the terminal if a path is not a file. */
export async function requireFile(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true)
    throw new Error(`${file} ${found === undefined ? 'does not exist' : 'is not a file'}. Name a CSV file.`);
}

/** The number of times that each word occurs. */
export const countsOf = (words: readonly string[]): ReadonlyMap<string, number> =>
  new Map([...Map.groupBy(words, (word) => word)].map(([word, of]) => [word, of.length]));

/** Counts as text, for example `2 Patient, 1 Condition`. */
export const listOf = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([word, count]) => `${count} ${word}`).join(', ') || 'none';

/** Lines about a whole preview: the rows by state, the resources by type, and the findings by code. */
export const summaryLines = (rows: readonly RowPreview[]): string[] => [
  `rows       ${listOf(countsOf(rows.map(({ state }) => state)))}`,
  `resources  ${listOf(countsOf(rows.flatMap(({ resources }) => resources.map(kindOf))))}`,
  ...[...countsOf(rows.flatMap(({ issues }) => issues.map(({ code }) => code)))].map(
    ([code, count]) => `  ${count} × ${code}`,
  ),
];

const kindOf = ({ resourceType }: { readonly resourceType: string }): string => resourceType;

/** Runs a command, and sets the exit status of the process. An error is printed and gives the status 2. */
export async function runCommand(main: () => Promise<number>, options: object): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    process.stderr.write(`${errorText(error, Object.keys(options))}\n`);
    process.exitCode = 2;
  }
}

/** A finding about a whole file as a line of text. */
export function findingLine({ severity, code, columns, rows, message }: FileFinding): string {
  const places = [...columns, ...rows.map((row) => `row ${row}`)].join(', ');
  return `${severity} ${code}${places === '' ? '' : ` (${places})`}: ${message}`;
}

/** The text of an error for the terminal. `options` are the names of the options of the command. */
function errorText(error: unknown, options: readonly string[]): string {
  if (error instanceof FileRefused)
    return `${error.code}: ${error.message}${error.columns.length === 0 ? '' : ` (${error.columns.join(', ')})`}`;
  if (error instanceof z.ZodError)
    return error.issues
      .map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '))
      .join('\n');
  const text = error instanceof Error ? error.message : String(error);
  const [unknown] = /^Unknown option '[^']*'/.exec(text) ?? [];
  if (unknown === undefined) return text;
  return `${unknown}. ${availableNames(options.map((name) => `--${name}`))}`;
}
