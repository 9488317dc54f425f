import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { type ImportState, RecordsClient } from '../demo/records.client.ts';
import { findingLines } from '../lists/findings.ts';
import { decideIdentities } from '../lists/identities.ts';
import { readMapping, tellProposal } from '../lists/proposal.ts';
import { drawProgress, nextSteps, summaryOf, writableRows } from '../lists/summary.ts';
import { askTerminal, decideWords } from '../lists/words.ts';
import { parseArguments } from './arguments.ts';
import { findGateway } from './gateway.access.ts';
import { saying } from './steps.ts';

const HELP = `npm run import -- FILE|IMPORT [options]

Sends a list (.csv, .txt, .csv.gz, .xlsx or .ods) to the gateway, follows the import to its end, and shows the row and column of each finding. With the
id of an import in place of FILE, shows this import. If the columns of the list do not fit exactly one stored mapping, nothing is written. The
command then shows the proposed meanings of the columns and how to continue.

  --rehearse                show the result without writing anything
  --commit                  FILE: rehearse, then write the rows that can be written; IMPORT: write this rehearsed import
  --undo                    IMPORT: undo this import
  --errors FILE.csv         save the rejected and waiting rows, to correct them and import them again
  --decide                  ask for the meaning of each unknown word (needs the right terms:decide), and whether two patients with one
                            identifier are the same person
  --findings N              number of findings to show (default 20)
  --mapping NAME[@VERSION]  FILE: the mapping of the list (default: the columns decide); IMPORT: continue the import with this mapping
  --mapping FILE.json       IMPORT: store this mapping document and continue the import with it
  --draft FILE.json         save the proposed mapping of a list without a fitting mapping
  --as-of YYYY-MM-DD        the date of the list
  --encoding NAME           the encoding, if the detected one is wrong
  --sheet NAME|N            the sheet of a workbook (default: the first visible sheet)
  --force                   import the file again although it was imported before
  --data DIR                the data folder of the local stack (default .local)
  --help                    this text

For another gateway, set RADGATE_URL, and RADGATE_KEY (an API key) or RADGATE_USERNAME and RADGATE_PASSWORD. The account needs the rights
records:import and records:read.
Exit status: 0 all rows are imported; 1 some rows are rejected or wait for a decision; 2 the list was not imported, or could not be followed.
To see the resources of a file without a server: npm run mapping:test -- FILE. Reason codes: docs/import-codes.md.
`;

const INTERRUPTED = 130;
/** The time in milliseconds in which the rows of a decided word begin to run again. */
const RERUN_MS = 15_000;

async function main(): Promise<number> {
  const { values, positionals } = parseArguments({
    allowPositionals: true,
    options: {
      mapping: { type: 'string' },
      draft: { type: 'string' },
      rehearse: { type: 'boolean', default: false },
      commit: { type: 'boolean', default: false },
      undo: { type: 'boolean', default: false },
      errors: { type: 'string' },
      decide: { type: 'boolean', default: false },
      findings: { type: 'string', default: '20' },
      'as-of': { type: 'string' },
      encoding: { type: 'string' },
      sheet: { type: 'string' },
      force: { type: 'boolean', default: false },
      data: { type: 'string', default: '.local' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [source, ...more] = positionals;
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (source === undefined || more.length > 0) {
    process.stderr.write(HELP);
    return 2;
  }
  if (!/^\d{1,4}$/.test(values.findings)) throw new Error('Invalid --findings. Use a number.');
  const isId = z.uuid().safeParse(source).success;
  if (values.undo && !isId) throw new Error('--undo needs the id of an import in place of FILE');
  if (!isId && values.mapping?.endsWith('.json') === true)
    throw new Error('--mapping FILE.json needs the id of an import in place of FILE');
  if (!isId) await mustBeFile(source);
  const { gateway, credentials } = await findGateway(values.data);
  const records = new RecordsClient(gateway, credentials);
  if (values.undo) return undo(records, source);
  const query = {
    ...(values.mapping !== undefined && { mapping: values.mapping }),
    ...((values.rehearse || values.commit) && { mode: 'rehearse' }),
    ...(values['as-of'] !== undefined && { as_of: values['as-of'] }),
    ...(values.encoding !== undefined && { encoding: values.encoding }),
    ...(values.sheet !== undefined && { sheet: values.sheet }),
    ...(values.force && { force: 'true' }),
  };
  const id = isId ? source : await upload(records, source, query);
  if (isId && values.mapping !== undefined)
    await records.command(id, 'mapping', await readMapping(values.mapping));
  process.once('SIGINT', () => {
    console.log(
      `\nThe import continues. Follow it with GET /api/imports/${id}, cancel it with POST …/cancel`,
    );
    process.exit(INTERRUPTED);
  });
  const end = await follow(records, id);
  if (end === undefined) return 2;
  let last: ImportState | undefined = end;
  if (end.status === 'needs_mapping') {
    await tellProposal(records, id, values.draft);
    return 2;
  }
  const most = Number(values.findings);
  await report(records, end, most);
  if (values.decide && last.waiting > 0) last = await decide(records, last);
  if (values.commit && last?.status === 'rehearsed' && writableRows(last) > 0) {
    console.log(`writing ${writableRows(last)} of ${last.rows_total} rows`);
    await records.command(id, 'commit');
    last = await follow(records, id);
  }
  if (last === undefined) return 2;
  if (last !== end) await report(records, last, most);
  for (const line of nextSteps(last)) console.log(line);
  if (values.errors !== undefined && last.rejected + last.waiting > 0) {
    await records.saveErrors(id, values.errors);
    console.log(`${last.rejected + last.waiting} rows saved in ${values.errors}`);
  }
  if (['failed', 'cancelled', 'undone'].includes(last.status)) return 2;
  return last.rejected + last.waiting > 0 ? 1 : 0;
}

async function mustBeFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true)
    throw new Error(`${path} is ${found === undefined ? 'missing' : 'not a file'}`);
}

async function upload(
  records: RecordsClient,
  file: string,
  query: Readonly<Record<string, string>>,
): Promise<string> {
  const { id, isNew } = await records.upload(file, query);
  console.log(
    isNew ? `import ${id}` : `import ${id} (this file was imported before; use --force to import it again)`,
  );
  return id;
}

async function follow(records: RecordsClient, id: string): Promise<ImportState | undefined> {
  const end = await records.follow(id, drawProgress).catch((error: unknown) => {
    console.error(`The import continues, but its progress cannot be read. ${saying(error)}`);
  });
  if (end !== undefined && process.stdout.isTTY) process.stdout.write('\n');
  return end ?? undefined;
}

/** Asks for the identities and the words that wait, and follows the rows that run again. */
async function decide(records: RecordsClient, before: ImportState): Promise<ImportState | undefined> {
  const { ask, close } = askTerminal();
  // One row can wait for several words, so all words count as one row.
  const decideAll = async () =>
    (await decideIdentities(records, before.file_id, ask)) +
    Math.min(await decideWords(records, before.file_id, ask), 1);
  const decided = await decideAll().finally(close);
  if (decided === 0) return before;
  const limit = Date.now() + RERUN_MS;
  for (;;) {
    const now = await follow(records, before.file_id);
    if (now === undefined || now.waiting <= before.waiting - decided || Date.now() > limit) return now;
    await sleep(500);
  }
}

async function undo(records: RecordsClient, id: string): Promise<number> {
  await records.command(id, 'undo');
  const { undo_conflicts: conflicts } = await records.followUndo(id);
  const left = z.array(z.unknown()).catch([]).parse(conflicts).length;
  const kept = `undone, but ${left} resources were changed or used later and are kept: GET /api/imports/${id}`;
  console.log(left === 0 ? 'undone' : kept);
  return left === 0 ? 0 : 1;
}

/** Prints the counts of an import and its findings. The text of a file that failed is part of the counts. */
async function report(records: RecordsClient, end: ImportState, most: number): Promise<void> {
  console.log(summaryOf(end));
  if (end.failure !== null) return;
  for (const line of findingLines(await records.findings(end.file_id), most)) console.log(line);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`Not imported. ${saying(error)}`);
  process.exitCode = 2;
}
