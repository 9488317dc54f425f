import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { request } from 'undici';
import { startBenchStack, type BenchStack } from './bench.stack.ts';
import { run, signIn, storeAll } from './bench.steps.ts';
import { processorSeconds } from './processor.ts';
import { sample, type Slice } from './samples.ts';
import type { Measured, Wish } from './wish.ts';

const ROUNDS = 3;
const FRAME_BYTES = 512 * 1024;
const WARM_SLICES = 40;
const COLD_SLICES = 30;
const SLICES_OF_METADATA = 300;
const WAYS = ['orthanc', 'recipe', 'gateway', 'nginx'] as const;
type Ask = Extract<Wish, { kind: 'ask' }>;
type Way = (typeof WAYS)[number];

const FRAME = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';
const JSON_TYPE = 'application/dicom+json';

interface Row {
  readonly what: string;
  /** The value of the table: requests per second, or milliseconds of one request. */
  readonly unit: '/s' | 'ms';
  readonly goal: string;
  readonly ways: readonly Way[];
  /** The task for one path and round. */
  readonly wish: (way: Way, round: number) => Wish | Promise<Wish>;
  /** Whether each measurement has content of its own, so that no request goes before it. */
  readonly isCold?: boolean;
}

interface Result extends Measured {
  /** Processor time of the gateway in milliseconds, and transactions of PostgreSQL, for each request. */
  readonly processor: number;
  readonly transactions: number;
}

/** Measures reads of images on four paths, in turns. Returns a Markdown table with medians. */
export async function benchImages(milliseconds: number, say: (line: string) => void): Promise<string> {
  const stack = await startBenchStack(say);
  const sql = postgres(stack.database, { max: 1 });
  try {
    const authorization = await signIn(stack);
    const rows = await prepare(stack, authorization, milliseconds, say);
    const lines: string[] = [];
    for (const row of rows) {
      say(row.what);
      const results = new Map<Way, Result[]>();
      // The first requests fill the caches of all paths.
      for (const way of row.ways) {
        const wish = row.isCold === true ? undefined : await row.wish(way, 0);
        if (wish?.kind === 'ask' && wish.once !== true) await run({ ...wish, once: true });
      }
      for (let round = 0; round < ROUNDS; round += 1)
        for (const way of row.ways)
          results.set(way, [
            ...(results.get(way) ?? []),
            await measure(stack, sql, await row.wish(way, round)),
          ]);
      lines.push(lineOf(row, results));
    }
    return table(lines);
  } finally {
    await sql.end();
    await stack.stop();
  }
}

async function measure({ gatewayPid }: BenchStack, sql: postgres.Sql, wish: Wish): Promise<Result> {
  const before = [await processorSeconds(gatewayPid), await transactions(sql)] as const;
  const measured = await run(wish);
  const [seconds, count] = [await processorSeconds(gatewayPid), await transactions(sql)];
  return {
    ...measured,
    processor: ((seconds - before[0]) * 1000) / measured.requests,
    transactions: (count - before[1]) / measured.requests,
  };
}

async function transactions(sql: postgres.Sql): Promise<number> {
  await sql`select pg_stat_clear_snapshot()`;
  const [row] = await sql<{ count: number }[]>`
    select xact_commit::float8 as count from pg_stat_database where datname = current_database()`;
  return row?.count ?? 0;
}

async function prepare(
  stack: BenchStack,
  authorization: string,
  milliseconds: number,
  say: (line: string) => void,
): Promise<Row[]> {
  say('storing series');
  const all = (count: number, bytes: number) => {
    const slices = sample(count, bytes);
    return storeAll(stack, authorization, slices).then(() => slices);
  };
  const warm = await all(WARM_SLICES, FRAME_BYTES);
  const large = await all(SLICES_OF_METADATA, 1024);
  const cold = new Map<string, { frames: Slice[]; series: Slice[] }>();
  for (const way of WAYS)
    for (let round = 0; round < ROUNDS; round += 1)
      cold.set(`${way} ${round}`, {
        frames: await all(COLD_SLICES, FRAME_BYTES),
        series: await all(SLICES_OF_METADATA, 1024),
      });
  say('waiting for the bodies made in advance');
  await untilIdle(stack.gatewayPid);
  const ask = (
    way: Way,
    slices: readonly Slice[],
    end: string,
    accept: string,
    more: Partial<Ask> = {},
  ): Wish => ({
    kind: 'ask',
    url: stack[way],
    headers: {
      ...(way === 'orthanc' ? { authorization: stack.basic } : way === 'recipe' ? {} : { authorization }),
      accept,
    },
    connections: 1,
    paths: slices.map((slice) => `/dicom-web${pathOf(slice)}${end}`),
    milliseconds,
    ...more,
  });
  const coldOf = (way: Way, round: number) => cold.get(`${way} ${round}`) ?? { frames: [], series: [] };
  const gzip = { 'accept-encoding': 'gzip' };
  const etag = async (path: string, accept: string) => {
    const answer = await request(`${stack.gateway}${path}`, { headers: { authorization, accept, ...gzip } });
    await answer.body.dump();
    return String(answer.headers['etag']);
  };
  const ours: readonly Way[] = ['gateway', 'nginx'];
  return [
    {
      what: 'Warm frames of 0.5 MB, 8 connections',
      unit: '/s',
      goal: '≥ 3.5 × Orthanc',
      ways: WAYS,
      wish: (way) => ask(way, warm, '/frames/1', FRAME, { connections: 8 }),
    },
    {
      what: 'Cold frames, 8 connections, made in advance',
      unit: '/s',
      goal: '≥ 0.95 × recipe',
      ways: WAYS,
      isCold: true,
      wish: (way, round) =>
        ask(way, coldOf(way, round).frames, '/frames/1', FRAME, { connections: 8, once: true }),
    },
    {
      what: 'Cold frames, 8 connections, at once after storing',
      unit: '/s',
      goal: '≥ 0.95 × recipe',
      ways: WAYS,
      isCold: true,
      wish: async (way) =>
        ask(way, await all(COLD_SLICES, FRAME_BYTES), '/frames/1', FRAME, { connections: 8, once: true }),
    },
    {
      what: 'Metadata of 300 slices, warm',
      unit: 'ms',
      goal: '≥ 30 × faster than Orthanc',
      ways: WAYS,
      wish: (way) => withHeaders(ask(way, seriesOf(large), '/metadata', JSON_TYPE), gzip),
    },
    {
      what: 'Metadata of 300 slices, cold, at once after storing',
      unit: 'ms',
      goal: '≥ 5 × faster than Orthanc',
      ways: WAYS,
      isCold: true,
      wish: async (way) =>
        withHeaders(
          ask(way, seriesOf(await all(SLICES_OF_METADATA, 1024)), '/metadata', JSON_TYPE, { once: true }),
          gzip,
        ),
    },
    {
      what: 'Metadata of 300 slices, cold, made in advance',
      unit: 'ms',
      goal: '≥ 5 × faster than Orthanc',
      ways: WAYS,
      isCold: true,
      wish: (way, round) =>
        withHeaders(
          ask(way, seriesOf(coldOf(way, round).series), '/metadata', JSON_TYPE, { once: true }),
          gzip,
        ),
    },
    ...(await Promise.all(
      [
        { what: 'Metadata answered 304', slices: seriesOf(large), end: '/metadata', accept: JSON_TYPE },
        { what: 'Frame answered 304', slices: warm.slice(0, 1), end: '/frames/1', accept: FRAME },
      ].map(async ({ what, slices, end, accept }): Promise<Row> => {
        const [first] = slices;
        const tag = await etag(`/dicom-web${first === undefined ? '' : pathOf(first)}${end}`, accept);
        return {
          what,
          unit: 'ms',
          goal: '≤ 1 ms',
          ways: ours,
          wish: (way) =>
            withHeaders(ask(way, slices, end, accept, { status: 304 }), { 'if-none-match': tag, ...gzip }),
        };
      }),
    )),
    {
      what: 'Rendered frame, warm',
      unit: 'ms',
      goal: '≥ 10 × faster than Orthanc',
      ways: WAYS,
      wish: (way) => ask(way, warm.slice(0, 5), '/rendered', 'image/jpeg'),
    },
    {
      what: 'Thumbnail, warm',
      unit: 'ms',
      goal: '≥ 10 × faster than Orthanc',
      ways: ['gateway', 'nginx'],
      wish: (way) => ask(way, warm.slice(0, 5), '/thumbnail', 'image/jpeg'),
    },
  ];
}

/** Waits until the gateway has used less than a twentieth of a processor for five seconds, at most ten minutes. */
async function untilIdle(pid: number): Promise<void> {
  for (let time = 0; time < 120; time += 1) {
    const before = await processorSeconds(pid);
    await sleep(5_000);
    if ((await processorSeconds(pid)) - before < 0.25) return;
  }
  throw new Error('the gateway still makes bodies in advance after ten minutes');
}

function withHeaders(wish: Wish, headers: Readonly<Record<string, string>>): Wish {
  return { ...wish, headers: { ...wish.headers, ...headers } };
}

/** A list with the series of the instances. */
function seriesOf([first]: readonly Slice[]): Slice[] {
  return first === undefined ? [] : [{ ...first, sopUid: '' }];
}

function pathOf({ studyUid, seriesUid, sopUid }: Slice): string {
  return `/studies/${studyUid}/series/${seriesUid}${sopUid === '' ? '' : `/instances/${sopUid}`}`;
}

function lineOf({ what, unit, goal, ways }: Row, results: ReadonlyMap<Way, readonly Result[]>): string {
  const of = (way: Way) =>
    results.get(way)?.toSorted((one, other) => one.perSecond - other.perSecond)[Math.floor(ROUNDS / 2)];
  const value = (one: Result | undefined) =>
    one === undefined ? '–' : unit === '/s' ? one.perSecond.toFixed(0) : one.p50.toFixed(2);
  const speed = (one: Result | undefined) =>
    one === undefined ? Number.NaN : unit === '/s' ? one.perSecond : 1 / one.p50;
  const ratio = (way: Way) =>
    ways.includes('orthanc') ? `${(speed(of(way)) / speed(of('orthanc'))).toFixed(2)} ×` : '–';
  const [gateway, nginx] = [of('gateway'), of('nginx')];
  const cost = (one: Result | undefined) =>
    one === undefined ? '–' : `${one.processor.toFixed(2)} / ${one.transactions.toFixed(2)}`;
  return `| ${what}, ${unit} | ${WAYS.map((way) => value(of(way))).join(' | ')} | ${ratio('gateway')} | ${ratio('nginx')} | ${goal} | ${cost(gateway)} | ${cost(nginx)} |`;
}

function table(lines: readonly string[]): string {
  return `| what | Orthanc | nginx → Orthanc | gateway | our nginx | gateway : Orthanc | our nginx : Orthanc | goal | gateway: ms of processor / transactions a request | the same behind our nginx |
|---|---|---|---|---|---|---|---|---|---|
${lines.join('\n')}

Measured on ${new Date().toISOString().slice(0, 10)} with ${cpus().length} processors. Medians of ${ROUNDS} rounds in turns. Our nginx uses TLS, the other paths do not. The load generator needs a part of the processors, most of all with TLS.`;
}
