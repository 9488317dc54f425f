// `npm run bench -- lists [STUDIES]`: compares searches with Orthanc's own searches.
import { cpus } from 'node:os';
import postgres from 'postgres';
import { request } from 'undici';
import { z } from 'zod';
import { freshUid } from '../infra/demo/dicom.elements.ts';
import { makeInstance } from '../infra/demo/dicom.writer.ts';
import { startBenchStack, type BenchStack } from './bench.stack.ts';
import { run, signIn, storeAll } from './bench.steps.ts';
import { processorOfPostgres, processorSeconds } from './processor.ts';
import type { Slice } from './samples.ts';
import type { Measured } from './wish.ts';

const ROUNDS = 5;
const MILLISECONDS = 1500;
const FEW = 300;
const FEW_INSTITUTION = 'Few studies';
const Created = z.object({ id: z.string() });
const Key = z.object({ key: z.string() });

interface Row {
  readonly what: string;
  readonly goal: string;
  readonly path: string;
  /** The header `Authorization` for the gateway. */
  readonly authorization: string;
}

/** One measurement, and the milliseconds of processor and the transactions of PostgreSQL for each request. */
interface Result extends Measured {
  readonly gateway: number;
  readonly postgres: number;
  readonly transactions: number;
}

/** Returns a Markdown table with medians. */
export async function benchLists(studies: number, say: (line: string) => void): Promise<string> {
  const stack = await startBenchStack(say);
  const sql = postgres(stack.database, { max: 1 });
  try {
    const administrator = await signIn(stack);
    say(`storing ${studies} studies`);
    const slices = Array.from({ length: studies }, (_, at) => study(at));
    await storeAll(stack, administrator, slices);
    await sql`analyze`;
    const few = await readerOfFew(stack, administrator);
    const list = '/dicom-web/studies?limit=25&includefield=00081030';
    const ofOne = `/dicom-web/studies/${slices[0]?.studyUid}/series`;
    const rows: Row[] = [
      { what: 'list of 25, sees all', goal: '–', path: list, authorization: administrator },
      { what: `list of 25, sees ${FEW}`, goal: '≥ 20', path: list, authorization: few },
      { what: 'series of a study', goal: '≥ 4', path: ofOne, authorization: administrator },
    ];
    const lines: string[] = [];
    for (const row of rows) {
      say(row.what);
      const results: Record<'orthanc' | 'gateway', Result[]> = { orthanc: [], gateway: [] };
      for (let round = 0; round < ROUNDS; round += 1) {
        results.orthanc.push(await measure(stack, sql, stack.orthanc, row.path, stack.basic));
        results.gateway.push(await measure(stack, sql, stack.gateway, row.path, row.authorization));
      }
      const [direct, ours] = [median(results.orthanc), median(results.gateway)];
      lines.push(
        `| ${row.what} | ${direct.p50.toFixed(2)} | ${ours.p50.toFixed(2)} | ${(direct.p50 / ours.p50).toFixed(1)} | ${row.goal} | ${ours.gateway.toFixed(2)}, ${ours.postgres.toFixed(2)} | ${ours.transactions.toFixed(1)} |`,
      );
    }
    return `| ${studies} studies, 1 connection | Orthanc, ms | gateway, ms | times faster | goal | ms of processor a request: gateway, PostgreSQL | transactions a request |
|---|---|---|---|---|---|---|
${lines.join('\n')}

Measured on ${new Date().toISOString().slice(0, 10)} with ${cpus().length} processors. Medians of ${ROUNDS} rounds in turns.`;
  } finally {
    await sql.end();
    await stack.stop();
  }
}

function study(at: number): Slice {
  const [studyUid, seriesUid, sopUid] = [freshUid(), freshUid(), freshUid()];
  const institution = at < FEW ? FEW_INSTITUTION : 'Many studies';
  const studyDate = `20${String(10 + (at % 15))}0${1 + (at % 9)}1${at % 9}`;
  const identity = { patientId: `L${at}`, patientName: `List^${at}`, studyDescription: 'Head', institution };
  return {
    studyUid,
    seriesUid,
    sopUid,
    file: makeInstance({ studyUid, seriesUid, sopUid, studyDate, ...identity }),
  };
}

/** Creates a machine account that may read the studies of {@link FEW_INSTITUTION}. Returns its header `Authorization`. */
async function readerOfFew({ gateway }: BenchStack, authorization: string): Promise<string> {
  const post = async (path: string, body: object) => {
    const answer = await request(`${gateway}/api${path}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${path} answered ${answer.statusCode}: ${text}`);
    return text === '' ? {} : z.unknown().parse(JSON.parse(text));
  };
  const account = Created.parse(await post('/accounts', { name: 'few' }));
  const group = Created.parse(await post('/groups', { name: 'few' }));
  await post(`/groups/${group.id}/members`, { account_id: account.id });
  const scope = { kind: 'institution', institution: FEW_INSTITUTION };
  await post(`/groups/${group.id}/grants`, { rights: ['studies:read'], scope });
  return `Bearer ${Key.parse(await post(`/accounts/${account.id}/keys`, { name: 'few' })).key}`;
}

async function measure(
  { gatewayPid, postgresPid }: BenchStack,
  sql: postgres.Sql,
  url: string,
  path: string,
  authorization: string,
): Promise<Result> {
  const usage = async () => {
    await sql`select pg_stat_clear_snapshot()`;
    const [row] = await sql<{ count: number }[]>`
      select xact_commit::float8 as count from pg_stat_database where datname = current_database()`;
    const [gateway, database] = [await processorSeconds(gatewayPid), await processorOfPostgres(postgresPid)];
    return { gateway, database, count: row?.count ?? 0 };
  };
  const before = await usage();
  const headers = { authorization, accept: 'application/dicom+json' };
  const measured = await run({
    kind: 'ask',
    url,
    headers,
    connections: 1,
    paths: [path],
    milliseconds: MILLISECONDS,
  });
  const after = await usage();
  const each = (name: keyof typeof before) => (after[name] - before[name]) / measured.requests;
  return {
    ...measured,
    gateway: each('gateway') * 1000,
    postgres: each('database') * 1000,
    transactions: each('count'),
  };
}

function median(results: readonly Result[]): Result {
  const [middle] = results
    .toSorted((one, other) => one.p50 - other.p50)
    .slice(Math.floor(results.length / 2));
  if (middle === undefined) throw new Error('nothing was measured');
  return middle;
}
