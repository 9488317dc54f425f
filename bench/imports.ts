// `npm run bench -- imports [ROWS]`: imports a large list with a FHIR server that stores nothing. Then compares two imports into the real
// HAPI: through the gateway, and by a loader that sends the same resources without the gateway.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { startImportStack } from './import.stack.ts';
import { importWatched, type Watched } from './import.watch.ts';
import { ask, importList, loadBare, median, recordedPatients, type Say, writeList } from './import.work.ts';

const Counts = z.record(z.string(), z.number());
/** The number of patients in each measurement with the real HAPI. */
const PIECE = 1_500;
const ROUNDS = 3;
const SIZES = [10, 25, 50, 100] as const;

/** Returns the two measurements as Markdown. */
export async function benchImports(rows: number, say: Say): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'radgate-bench-list-'));
  try {
    const stub = await againstStub(folder, rows, say);
    const { loader, size, gateway } = await againstHapi(folder, stub.recorded, say);
    return `| imports | rows/s | compared |
|---|---|---|
| ${rows} rows rehearsed with a FHIR server that keeps nothing | ${stub.rehearsed.rate.toFixed(0)} | ${said(stub.rehearsed)} |
| ${rows} rows to a FHIR server that keeps nothing | ${stub.written.rate.toFixed(0)} | ${ratio(stub.written.rate, loader)} what HAPI takes; ${said(stub.written)} |
| bare loader → HAPI, bundles of ${size} | ${loader.toFixed(0)} | |
| gateway → HAPI | ${gateway.toFixed(0)} | ${ratio(gateway, loader)} the bare loader |`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function againstStub(folder: string, rows: number, say: Say) {
  const stack = await startImportStack('stub', say);
  try {
    const list = await writeList(folder, 0, rows);
    say(`rehearsing ${rows} rows with the stub`);
    const rehearsed = await importWatched(stack, list, say, 'rehearse');
    say(`importing ${rows} rows to the stub`);
    const written = await importWatched(stack, list, say);
    const counts = Counts.parse(await ask(stack.fhir, '/counts'));
    if (counts['Patient'] !== rows) throw new Error(`the stub took ${counts['Patient']} patients`);
    return { rehearsed, written, recorded: await recordedPatients(stack) };
  } finally {
    await stack.stop();
  }
}

async function againstHapi(folder: string, recorded: unknown[][], say: Say) {
  const stack = await startImportStack('h2', say);
  try {
    let turn = 0;
    const load = (size: number) =>
      loadBare(`${stack.fhir}/fhir`, recorded.slice(0, PIECE), size, (turn += 1));
    say('warming HAPI up');
    await load(50);
    await importList(stack, await writeList(folder, 9_000_000, 500), say);
    const rates = new Map<number, number>();
    for (const size of SIZES) rates.set(size, await load(size));
    const [size = 50] = SIZES.toSorted((one, other) => (rates.get(other) ?? 0) - (rates.get(one) ?? 0));
    say(
      `the bare loader is fastest with bundles of ${size}: ${[...rates.values()].map(Math.round).join(', ')}`,
    );
    const [bare, through]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      bare.push(await load(size));
      const list = await writeList(folder, 1_000_000 * (round + 1), PIECE);
      through.push(await importList(stack, list, say));
      say(
        `round ${round + 1}: bare ${bare.at(-1)?.toFixed(0)}, gateway ${through.at(-1)?.toFixed(0)} rows/s`,
      );
    }
    return { loader: median(bare), size, gateway: median(through) };
  } finally {
    await stack.stop();
  }
}

const said = ({ mebibytes, live, progress }: Watched) =>
  `at most ${mebibytes.toFixed(0)} MiB resident; slowest /health/live ${live.toFixed(0)} ms, progress ${progress.toFixed(0)} ms`;

const ratio = (value: number, other: number) => `${(value / other).toFixed(2)} ×`;
