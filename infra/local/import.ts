import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { type Credentials, type ImportState, RecordsClient } from '../demo/records.client.ts';
import { parseArguments } from './arguments.ts';
import { saying } from './steps.ts';

const HELP = `npm run import -- FILE [options]

Sends a CSV list (.csv, .txt or .csv.gz) to the gateway and follows the import to its end.

  --mapping NAME[@VERSION]  the mapping of the columns (default brazil-hospital)
  --rehearse                show the result without writing anything
  --as-of YYYY-MM-DD        the date of the list
  --encoding NAME           the encoding, if the detected one is wrong
  --force                   import the file again although it was imported before
  --data DIR                the data folder of the local stack (default .local)
  --help                    this text

For another gateway, set RADGATE_URL, and RADGATE_KEY (an API key) or RADGATE_USERNAME and RADGATE_PASSWORD. The account needs the rights
records:import and records:read.
Exit status: 0 all rows are imported; 1 some rows are rejected or wait for a word; 2 the list was not imported, or could not be followed.
To see the resources of a file without a server: npm run mapping:test -- FILE. Reason codes: docs/import-codes.md.
`;

const StackFile = z.object({
  gateway: z.string(),
  admin: z.object({ username: z.string(), password: z.string() }),
});
const BAR = 30;
const INTERRUPTED = 130;

async function main(): Promise<number> {
  const { values, positionals } = parseArguments({
    allowPositionals: true,
    options: {
      mapping: { type: 'string' },
      rehearse: { type: 'boolean', default: false },
      'as-of': { type: 'string' },
      encoding: { type: 'string' },
      force: { type: 'boolean', default: false },
      data: { type: 'string', default: '.local' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [file, ...more] = positionals;
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (file === undefined || more.length > 0) {
    process.stderr.write(HELP);
    return 2;
  }
  const query = {
    ...(values.mapping !== undefined && { mapping: values.mapping }),
    ...(values.rehearse && { mode: 'rehearse' }),
    ...(values['as-of'] !== undefined && { as_of: values['as-of'] }),
    ...(values.encoding !== undefined && { encoding: values.encoding }),
    ...(values.force && { force: 'true' }),
  };
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true)
    throw new Error(`${file} is ${found === undefined ? 'missing' : 'not a file'}`);
  const { gateway, credentials } = await findGateway(values.data);
  const records = new RecordsClient(gateway, credentials);
  const { id, isNew } = await records.upload(file, query);
  console.log(
    isNew ? `import ${id}` : `import ${id} (this file was imported before; use --force to import it again)`,
  );
  process.once('SIGINT', () => {
    console.log(
      `\nThe import continues. Follow it with GET /api/imports/${id}, cancel it with POST …/cancel`,
    );
    process.exit(INTERRUPTED);
  });
  const end = await records.follow(id, draw).catch((error: unknown) => {
    console.error(`The import continues, but its progress cannot be read. ${saying(error)}`);
  });
  if (end === undefined) return 2;
  if (process.stdout.isTTY) process.stdout.write('\n');
  console.log(summaryOf(end));
  if (['failed', 'cancelled', 'undone'].includes(end.status)) return 2;
  return end.rejected + end.waiting > 0 ? 1 : 0;
}

async function findGateway(data: string): Promise<{ gateway: string; credentials: Credentials }> {
  const { RADGATE_URL, RADGATE_KEY, RADGATE_USERNAME, RADGATE_PASSWORD } = process.env;
  if (RADGATE_URL === undefined) {
    const { gateway, admin } = await openStack(data);
    return { gateway, credentials: admin };
  }
  if (RADGATE_KEY !== undefined) return { gateway: RADGATE_URL, credentials: { key: RADGATE_KEY } };
  if (RADGATE_USERNAME === undefined || RADGATE_PASSWORD === undefined)
    throw new Error('RADGATE_URL needs RADGATE_KEY, or RADGATE_USERNAME and RADGATE_PASSWORD');
  const credentials = { username: RADGATE_USERNAME, password: RADGATE_PASSWORD };
  return { gateway: RADGATE_URL, credentials };
}

async function openStack(data: string): Promise<z.infer<typeof StackFile>> {
  const path = join(data, 'stack.json');
  const text = await readFile(path, 'utf8').catch(() => {
    throw new Error(`${path} is missing: start the stack (npm start), or set RADGATE_URL and RADGATE_KEY`);
  });
  return StackFile.parse(JSON.parse(text));
}

function draw({ status, percent, rows_done, rows_total }: ImportState): void {
  if (!process.stdout.isTTY) return;
  const done = Math.round((BAR * percent) / 100);
  const bar = `${'█'.repeat(done)}${'░'.repeat(BAR - done)}`;
  process.stdout.write(`\r${bar} ${percent} %  ${rows_done}/${rows_total} rows  ${status}   `);
}

function summaryOf(end: ImportState): string {
  const counts = (['created', 'updated', 'unchanged', 'rejected', 'waiting', 'duplicate'] as const)
    .filter((name) => end[name] > 0)
    .map((name) => `${end[name]} ${name}`);
  const done = `${end.status}: ${end.rows_total} rows, ${counts.join(', ') || 'none done'}`;
  const reasons = Object.entries(end.reasons).map(([code, count]) => `  ${count} × ${code}`);
  return [failureOf(end) ?? done, ...reasons, ...nextOf(end)].join('\n');
}

function failureOf({ status, failure, failure_details: details }: ImportState): string | undefined {
  if (failure === null) return undefined;
  if (details === undefined || details === null) return `${status} (${failure})`;
  const { message, suggestion, columns } = details;
  const about = columns.length === 0 ? '' : ` Columns of the mapping: ${columns.join(', ')}.`;
  return `${status} (${failure}): ${message}${about} ${suggestion}`;
}

/** Returns the next steps for the person who runs the import. */
function nextOf({ status, file_id, rejected, waiting }: ImportState): string[] {
  if (status === 'rehearsed') return [`Write it: POST /api/imports/${file_id}/commit`];
  return [
    ...(rejected > 0
      ? [
          `Correct the rows in GET /api/imports/${file_id}/errors.csv, then import that file (docs/import-codes.md)`,
        ]
      : []),
    ...(waiting > 0
      ? ['Decide the words in GET /api/terms; the waiting rows then run again automatically']
      : []),
  ];
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`Not imported. ${saying(error)}`);
  process.exitCode = 2;
}
