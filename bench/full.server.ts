// `npm run bench -- full-server [PATIENTS]`: imports into a FHIR server that already has many patients, with H2 and with PostgreSQL. Compares
// the gateway with a loader that sends the same resources without the gateway.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FhirDatabase, type ImportStack, startImportStack } from './import.stack.ts';
import { importWatched, type Watched } from './import.watch.ts';
import { importList, loadBare, median, recordedPatients, type Say, writeList } from './import.work.ts';
import { processorOfPostgres, processorSeconds } from './processor.ts';

/** The number of patients in each measured load. */
const PIECE = 1_500;
const ROUNDS = 3;
const SIZES = [25, 50] as const;
/** The length of the long list, as a part of the patients in the server. */
const LONG_LIST = 0.2;

/** A loaded piece: patients per second, and the processor time of each program per patient in milliseconds. */
interface Load {
  readonly rate: number;
  readonly hapi: number;
  readonly gateway: number;
  readonly postgres: number;
}

interface Pair {
  readonly loader: Load;
  readonly gateway: Load;
}

/** Returns the measurement as Markdown. `patients` is the number of patients in the server before the measurement begins. */
export async function benchFullServer(patients: number, say: Say): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'radgate-bench-list-'));
  try {
    const recorded = await record(folder, say);
    const lines: string[] = [];
    for (const database of ['h2', 'postgres'] as const)
      lines.push(await measure({ folder, patients, recorded, database, say }));
    return `| HAPI with ${patients} patients | bare loader, patients/s | gateway, rows/s | gateway : loader | HAPI's processor, ms a row: loader, gateway | : | processor of gateway, PostgreSQL, ms a row | a fifth of them, rows/s | slowest /health/live, progress, ms | gateway's memory, MiB |
|---|---|---|---|---|---|---|---|---|---|
${lines.join('\n')}

With HAPI on PostgreSQL, the processor time of PostgreSQL includes the work for HAPI.`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The resources of `PIECE` patients, as the gateway sends them. */
async function record(folder: string, say: Say): Promise<unknown[][]> {
  const stub = await startImportStack('stub', say);
  try {
    await importList(stub, await writeList(folder, 0, PIECE), say);
    return await recordedPatients(stub);
  } finally {
    await stub.stop();
  }
}

async function measure(work: {
  folder: string;
  patients: number;
  recorded: unknown[][];
  database: FhirDatabase;
  say: Say;
}): Promise<string> {
  const { folder, patients, recorded, database, say } = work;
  const stack = await startImportStack(database, say);
  try {
    let turn = 0;
    const bare = (size: number) => loadBare(`${stack.fhir}/fhir`, recorded, size, (turn += 1));
    for (let loaded = 0; loaded < patients; loaded += recorded.length) {
      const rate = await bare(50);
      if (turn % 10 === 1)
        say(`${database}: ${loaded + recorded.length} patients, ${rate.toFixed(0)} a second`);
    }
    const sizes = new Map<number, number>();
    for (const size of SIZES) sizes.set(size, await bare(size));
    const [best = 50] = SIZES.toSorted((one, other) => (sizes.get(other) ?? 0) - (sizes.get(one) ?? 0));
    await importList(stack, await writeList(folder, 9_000_000, 500), say);
    const loads: Pair[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      const list = await writeList(folder, 1_000_000 * round, PIECE);
      const pair = {
        loader: await timed(stack, () => bare(best)),
        gateway: await timed(stack, () => importList(stack, list, say)),
      };
      loads.push(pair);
      say(
        `${database}, round ${round}: loader ${pair.loader.rate.toFixed(0)}, gateway ${pair.gateway.rate.toFixed(0)} a second`,
      );
    }
    const long = await importWatched(stack, await writeList(folder, 20_000_000, patients * LONG_LIST), say);
    return row(`${database}, bundles of ${best}`, loads, long);
  } finally {
    await stack.stop();
  }
}

function row(name: string, loads: readonly Pair[], long: Watched): string {
  const of = (who: keyof Pair, figure: keyof Load) => median(loads.map((pair) => pair[who][figure]));
  const rates = [of('loader', 'rate'), of('gateway', 'rate')] as const;
  const processors = [of('loader', 'hapi'), of('gateway', 'hapi')] as const;
  const cells = [
    name,
    rates[0].toFixed(0),
    rates[1].toFixed(0),
    `${(rates[1] / rates[0]).toFixed(2)} ×`,
    `${processors[0].toFixed(1)}, ${processors[1].toFixed(1)}`,
    `${(processors[1] / processors[0]).toFixed(2)} ×`,
    `${of('gateway', 'gateway').toFixed(2)}, ${of('gateway', 'postgres').toFixed(2)}`,
    long.rate.toFixed(0),
    `${long.live.toFixed(0)}, ${long.progress.toFixed(0)}`,
    long.mebibytes.toFixed(0),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Measures a load of `PIECE` patients. `load` returns patients per second. */
async function timed(stack: ImportStack, load: () => Promise<number>): Promise<Load> {
  const before = await processorsOf(stack);
  const rate = await load();
  const after = await processorsOf(stack);
  const spent = (of: keyof typeof after) => (after[of] - before[of]) * (1000 / PIECE);
  return { rate, hapi: spent('hapi'), gateway: spent('gateway'), postgres: spent('postgres') };
}

async function processorsOf({ fhirPid, gatewayPid, postgresPid }: ImportStack) {
  return {
    hapi: await processorSeconds(fhirPid),
    gateway: await processorSeconds(gatewayPid),
    postgres: await processorOfPostgres(postgresPid),
  };
}
