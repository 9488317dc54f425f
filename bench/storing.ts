// `npm run bench -- storing [ROUNDS]`: stores new instances by STOW-RS in Orthanc directly and through the gateway, in turns.
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import postgres from 'postgres';
import { startBenchStack, type BenchStack } from './bench.stack.ts';
import { run, signIn } from './bench.steps.ts';
import { processorOfPostgres, processorSeconds } from './processor.ts';
import type { Measured } from './wish.ts';

const HALF_MEGABYTE = 512 * 1024;
const WAYS = ['orthanc', 'gateway'] as const;
type Way = (typeof WAYS)[number];

interface Row {
  readonly what: string;
  readonly unit: 'instances/s' | 'MB/s';
  readonly goal: string;
  readonly instances: number;
  readonly perRequest: number;
  readonly pixelBytes: number;
}

const ROWS: readonly Row[] = [
  { what: 'STOW of 1', goal: '≥ 0.9', instances: 40, perRequest: 1, pixelBytes: HALF_MEGABYTE },
  { what: 'STOW of 100', goal: '≥ 0.9', instances: 200, perRequest: 100, pixelBytes: HALF_MEGABYTE },
  { what: 'STOW of 600', goal: '≥ 0.9', instances: 600, perRequest: 600, pixelBytes: HALF_MEGABYTE },
].map((row) => Object.assign(row, { unit: 'instances/s' as const }));
const GIGABYTE: Row = {
  what: '1 GiB in one STOW, 64 instances',
  unit: 'MB/s',
  goal: '≥ 0.8; gateway ≤ 250 MB, Orthanc ≤ 300 MB',
  instances: 64,
  perRequest: 64,
  pixelBytes: 16 * 1024 * 1024,
};

/** One measurement. Times are milliseconds of processor for one instance. `peaks` are the largest resident sizes in MB. */
interface Result extends Measured {
  readonly processor: { readonly gateway: number; readonly orthanc: number; readonly postgres: number };
  /** Transactions of PostgreSQL for one instance. */
  readonly commits: number;
  readonly peaks: { readonly gateway: number; readonly orthanc: number };
}

/** Returns a Markdown table with medians. */
export async function benchStoring(rounds: number, say: (line: string) => void): Promise<string> {
  const stack = await startBenchStack(say);
  const sql = postgres(stack.database, { max: 1 });
  try {
    const authorization = await signIn(stack);
    const headers = { orthanc: { authorization: stack.basic }, gateway: { authorization } };
    const lines: string[] = [];
    for (const row of [...ROWS, GIGABYTE]) {
      say(row.what);
      const results = new Map<Way, Result[]>();
      for (let round = 0; round < rounds; round += 1)
        for (const way of WAYS) {
          const one = await measure(stack, sql, row, way, headers[way]);
          results.set(way, [...(results.get(way) ?? []), one]);
        }
      lines.push(lineOf(row, results));
    }
    return `| what | Orthanc | gateway | ratio | goal | ms of processor an instance: gateway, Orthanc, PostgreSQL (Orthanc alone) | commits an instance | peak MB: gateway, Orthanc (Orthanc alone) |
|---|---|---|---|---|---|---|---|
${lines.join('\n')}

Measured on ${new Date().toISOString().slice(0, 10)} with ${cpus().length} processors. Medians of ${rounds} rounds in turns, one sender, instances of 0.5 MB.`;
  } finally {
    await sql.end();
    await stack.stop();
  }
}

async function measure(
  stack: BenchStack,
  sql: postgres.Sql,
  { instances, perRequest, pixelBytes }: Row,
  way: Way,
  headers: Record<string, string>,
): Promise<Result> {
  const pids = [stack.gatewayPid, stack.orthancPid];
  for (const pid of pids) await writeFile(`/proc/${pid}/clear_refs`, '5');
  const before = await usage(stack, sql);
  const measured = await run({
    kind: 'store',
    url: stack[way],
    headers,
    connections: 1,
    path: '/dicom-web/studies',
    instances,
    perRequest,
    pixelBytes,
  });
  const after = await usage(stack, sql);
  const each = (name: keyof typeof before) => (after[name] - before[name]) / instances;
  const [gateway = 0, orthanc = 0] = await Promise.all(pids.map(peakOf));
  return {
    ...measured,
    processor: {
      gateway: each('gateway') * 1000,
      orthanc: each('orthanc') * 1000,
      postgres: each('postgres') * 1000,
    },
    commits: each('commits'),
    peaks: { gateway, orthanc },
  };
}

async function usage({ gatewayPid, orthancPid, postgresPid }: BenchStack, sql: postgres.Sql) {
  await sql`select pg_stat_clear_snapshot()`;
  const [row] = await sql<{ count: number }[]>`
    select xact_commit::float8 as count from pg_stat_database where datname = current_database()`;
  return {
    gateway: await processorSeconds(gatewayPid),
    orthanc: await processorSeconds(orthancPid),
    postgres: await processorOfPostgres(postgresPid),
    commits: row?.count ?? 0,
  };
}

/** The largest resident size of a process since it was last reset, in MB. */
async function peakOf(pid: number): Promise<number> {
  const kilobytes = /VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}

function lineOf({ what, unit, goal }: Row, results: ReadonlyMap<Way, readonly Result[]>): string {
  const speed = (one: Result | undefined) =>
    (unit === 'MB/s' ? one?.megabytesPerSecond : one?.perSecond) ?? Number.NaN;
  const of = (way: Way) => {
    const sorted = results.get(way)?.toSorted((one, other) => speed(one) - speed(other)) ?? [];
    return sorted[Math.floor(sorted.length / 2)];
  };
  const [direct, ours] = [of('orthanc'), of('gateway')];
  const cost = ours?.processor;
  const costs = [cost?.gateway, cost?.orthanc, cost?.postgres].map((one) => one?.toFixed(2)).join(', ');
  const peaks = [ours?.peaks.gateway, ours?.peaks.orthanc].map((one) => one?.toFixed(0)).join(', ');
  return `| ${what}, ${unit} | ${speed(direct).toFixed(1)} | ${speed(ours).toFixed(1)} | ${(speed(ours) / speed(direct)).toFixed(2)} | ${goal} | ${costs} (${direct?.processor.orthanc.toFixed(2)}) | ${ours?.commits.toFixed(2)} | ${peaks} (${direct?.peaks.orthanc.toFixed(0)}) |`;
}
