import '../../config/node.version.js';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Resource } from '@medplum/fhirtypes';
import { z } from 'zod';
import { SHIPPED_MAPPINGS } from '../../mapping/defaults.js';
import { NewMappingDocument } from '../../mapping/mapping.checks.js';
import type { MappingDocument } from '../../mapping/mapping.document.js';
import { messageOfIssue } from '../../csv/named.issue.js';
import {
  countsOf,
  findingLine,
  listOf,
  print,
  requireFile,
  runCommand,
  summaryLines,
} from './command.texts.js';
import { type ListPreview, previewList, type RowPreview } from './list.preview.js';

const NAMES = SHIPPED_MAPPINGS.map(({ name }) => name).join(', ');
const HELP = `npm run mapping:test -- FILE [options]

Shows the result of importing a list (.csv, .txt, .csv.gz, .xlsx or .ods), without server or database. Nothing is sent or stored. Words are
looked up in the shipped ConceptMap only. Only the first 20,000 rows are read.

  --mapping NAME|FILE.json  a shipped mapping (${NAMES}), or a mapping document
  --as-of YYYY-MM-DD        the day the list describes
  --encoding NAME           the encoding, if it is detected wrongly
  --sheet NAME|N            the sheet of a workbook (default: the first visible sheet)
  --rows N                  number of rows to show (default 20)
  --json                    print every row as a line of JSON, with its resources
  --help                    this text

Exit status: 0 every row would be written; 1 some rows would be rejected or would wait for a word; 2 the list or the mapping cannot be read.
`;

const Options = z.object({
  mapping: z.string().default(SHIPPED_MAPPINGS[0]?.name ?? ''),
  'as-of': z.iso.date('Invalid --as-of. Use a date such as 2026-03-01.').optional(),
  encoding: z.string().optional(),
  sheet: z.string().optional(),
  rows: z
    .string()
    .regex(/^\d{1,9}$/, 'Invalid --rows. Use a number.')
    .default('20')
    .transform(Number),
  json: z.boolean().default(false),
  help: z.boolean().default(false),
});

const OPTIONS = {
  mapping: { type: 'string' },
  'as-of': { type: 'string' },
  encoding: { type: 'string' },
  sheet: { type: 'string' },
  rows: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: OPTIONS });
  const options = Options.parse(values);
  const [file, ...more] = positionals;
  if (options.help || file === undefined || more.length > 0) {
    (options.help ? process.stdout : process.stderr).write(HELP);
    return options.help ? 0 : 2;
  }
  const document = await findMapping(options.mapping);
  const { 'as-of': asOf, encoding, sheet } = options;
  await requireFile(file);
  const preview = await previewList(() => createReadStream(file), document, { asOf, encoding, sheet });
  if (options.json) for (const row of preview.rows) print(JSON.stringify(row));
  else printPreview(preview, document, options.rows);
  return preview.rows.some(({ state }) => state === 'rejected' || state === 'waiting') ? 1 : 0;
}

async function findMapping(name: string): Promise<MappingDocument> {
  const shipped = SHIPPED_MAPPINGS.find((document) => document.name === name.replace(/@\d+$/, ''));
  if (shipped !== undefined) return shipped;
  if (!name.endsWith('.json'))
    throw new Error(`Unknown mapping '${name}'. Available: ${NAMES}, or a file FILE.json.`);
  return NewMappingDocument.parse(JSON.parse(await readFile(name, 'utf8')));
}

function printPreview(
  { shape, findings, rows, cut }: ListPreview,
  document: MappingDocument,
  shown: number,
): void {
  print(`mapping    ${document.name}@${document.version}`);
  print(`encoding   ${shape.encoding} (${shape.encoding_reason})`);
  print(`delimiter  ${JSON.stringify(shape.delimiter)} (${shape.delimiter_reason})`);
  print(`columns    ${shape.columns.join(', ')}`);
  for (const one of findings) print(findingLine(one));
  print('');
  for (const row of rows.slice(0, shown)) printRow(row);
  if (rows.length > shown) print(`… ${rows.length - shown} more rows (--rows N shows them)`);
  if (cut) print(`Only the first ${rows.length} rows were read.`);
  print('');
  for (const line of summaryLines(rows)) print(line);
  const words = countsOf(rows.flatMap((row) => row.words));
  if (words.size > 0) print(`waiting words  ${listOf(words)}`);
}

function printRow({ row, state, resources, issues }: RowPreview): void {
  print(`row ${row}  ${state}${resources.length === 0 ? '' : `: ${resources.map(named).join(', ')}`}`);
  for (const one of issues)
    print(
      `    ${one.severity} ${one.code}${one.column === undefined ? '' : ` (${one.column})`}: ${messageOfIssue(one)}`,
    );
}

/** Describes a resource by its type and code, without patient data. */
function named(resource: Resource): string {
  if (resource.resourceType !== 'Condition' && resource.resourceType !== 'Observation')
    return resource.resourceType;
  const [coding] = resource.code?.coding ?? [];
  const code = coding === undefined ? 'without a code' : `${coding.code} ${coding.display ?? ''}`.trimEnd();
  return `${resource.resourceType} ${code}`;
}

if (import.meta.main) await runCommand(main, OPTIONS);
