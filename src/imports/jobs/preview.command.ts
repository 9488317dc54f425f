import '../../config/node.version.js';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Resource } from '@medplum/fhirtypes';
import { z } from 'zod';
import { SHIPPED_MAPPINGS } from '../../mapping/defaults.js';
import { MappingDocument } from '../../mapping/mapping.document.js';
import { availableNames } from '../../problems/available.js';
import { FileRefused } from '../../csv/csv.refusal.js';
import { type ListPreview, previewList, type RowPreview } from './list.preview.js';

const NAMES = SHIPPED_MAPPINGS.map(({ name }) => name).join(', ');
const HELP = `npm run mapping:test -- FILE [options]

Shows what a CSV list (.csv, .txt or .csv.gz) would give, without a server or a database: nothing is sent and nothing is kept. Words are looked
up in the shipped ConceptMap alone, the first 20,000 rows are looked at.

  --mapping NAME|FILE.json  a shipped mapping (${NAMES}), or a mapping document to be tried
  --as-of YYYY-MM-DD        the day the list speaks of
  --encoding NAME           how it is encoded, when what is found out is wrong
  --rows N                  show so many rows one by one (default 20)
  --json                    every row as a line of JSON, with its resources
  --help                    this text

Status: 0 every row would be written; 1 some would be refused or would wait for a word; 2 the list or the mapping cannot be read.
`;

const Options = z.object({
  mapping: z.string().default(SHIPPED_MAPPINGS[0]?.name ?? ''),
  'as-of': z.iso.date('--as-of needs a day such as 2026-03-01').optional(),
  encoding: z.string().optional(),
  rows: z
    .string()
    .regex(/^\d{1,9}$/, '--rows needs a number')
    .default('20')
    .transform(Number),
  json: z.boolean().default(false),
  help: z.boolean().default(false),
});

const OPTIONS = {
  mapping: { type: 'string' },
  'as-of': { type: 'string' },
  encoding: { type: 'string' },
  rows: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: OPTIONS });
  const options = Options.parse(values);
  const [file, ...more] = positionals;
  if (options.help || file === undefined || more.length > 0) {
    (options.help ? process.stdout : process.stderr).write(HELP);
    return options.help ? 0 : 2;
  }
  const document = await findMapping(options.mapping);
  const { 'as-of': asOf, encoding } = options;
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true) throw new Error(`${file} is ${found === undefined ? 'missing' : 'no file'}`);
  const preview = await previewList(() => createReadStream(file), document, { asOf, encoding });
  if (options.json) for (const row of preview.rows) say(JSON.stringify(row));
  else tell(preview, document, options.rows);
  return preview.rows.some(({ state }) => state === 'rejected' || state === 'waiting') ? 1 : 0;
}

async function findMapping(name: string): Promise<MappingDocument> {
  const shipped = SHIPPED_MAPPINGS.find((document) => document.name === name.replace(/@\d+$/, ''));
  if (shipped !== undefined) return shipped;
  if (!name.endsWith('.json'))
    throw new Error(`Unknown mapping '${name}'. Available: ${NAMES}, or a file FILE.json.`);
  return MappingDocument.parse(JSON.parse(await readFile(name, 'utf8')));
}

function tell({ shape, rows, cut }: ListPreview, document: MappingDocument, shown: number): void {
  const ignored = shape.ignored_columns.length === 0 ? '' : `; ignored: ${shape.ignored_columns.join(', ')}`;
  say(`mapping    ${document.name}@${document.version}`);
  say(`encoding   ${shape.encoding} (${shape.encoding_reason})`);
  say(`delimiter  ${JSON.stringify(shape.delimiter)} (${shape.delimiter_reason})`);
  say(`columns    ${shape.columns.join(', ')}${ignored}\n`);
  for (const row of rows.slice(0, shown)) tellRow(row);
  if (rows.length > shown) say(`… ${rows.length - shown} more rows (--rows N shows them)`);
  if (cut) say(`Only the first ${rows.length} rows were looked at.`);
  say('');
  say(`rows       ${listed(counted(rows.map(({ state }) => state)))}`);
  say(`resources  ${listed(counted(rows.flatMap(({ resources }) => resources.map(kindOf))))}`);
  for (const [code, count] of counted(rows.flatMap(({ issues }) => issues.map((one) => one.code))))
    say(`  ${count} × ${code}`);
  const words = counted(rows.flatMap((row) => row.words));
  if (words.size > 0) say(`words that wait  ${listed(words)}`);
}

function tellRow({ row, state, resources, issues }: RowPreview): void {
  say(`row ${row}  ${state}${resources.length === 0 ? '' : `: ${resources.map(named).join(', ')}`}`);
  for (const { severity, code, column, message } of issues)
    say(`    ${severity} ${code}${column === undefined ? '' : ` (${column})`}: ${message}`);
}

const kindOf = ({ resourceType }: Resource) => resourceType;

/** A resource by its kind and, of a record, its code; values stay in the file. */
function named(resource: Resource): string {
  if (resource.resourceType !== 'Condition' && resource.resourceType !== 'Observation')
    return resource.resourceType;
  const [coding] = resource.code?.coding ?? [];
  const code = coding === undefined ? 'without a code' : `${coding.code} ${coding.display ?? ''}`.trimEnd();
  return `${resource.resourceType} ${code}`;
}

const counted = (words: readonly string[]) =>
  new Map([...Map.groupBy(words, (word) => word)].map(([word, of]) => [word, of.length]));
const listed = (counts: ReadonlyMap<string, number>) =>
  [...counts].map(([word, count]) => `${count} ${word}`).join(', ') || 'none';

/** What a person is told about what went wrong. */
function sayingOf(error: unknown): string {
  if (error instanceof FileRefused)
    return `${error.code}: ${error.message}${error.columns.length === 0 ? '' : ` (${error.columns.join(', ')})`}`;
  if (error instanceof z.ZodError)
    return error.issues
      .map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '))
      .join('\n');
  const text = error instanceof Error ? error.message : String(error);
  const [unknown] = /^Unknown option '[^']*'/.exec(text) ?? [];
  if (unknown === undefined) return text;
  return `${unknown}. ${availableNames(Object.keys(OPTIONS).map((name) => `--${name}`))}`;
}

if (import.meta.main)
  try {
    process.exitCode = await main();
  } catch (error) {
    process.stderr.write(`${sayingOf(error)}\n`);
    process.exitCode = 2;
  }
