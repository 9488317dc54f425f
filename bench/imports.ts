// `npm run bench -- imports [ROWS]`: imports a large list with a FHIR server that stores nothing. Then compares two imports into the real
// HAPI: through the gateway, and by a loader that sends the same resources without the gateway.
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { request } from 'undici';
import { z } from 'zod';
import { COLUMNS } from '../infra/demo/patients.list.ts';
import { type ImportStack, mostResident, startImportStack } from './import.stack.ts';

const Counts = z.record(z.string(), z.number());
const Bundles = z.array(z.object({ entry: z.array(z.unknown()) }));
/** The number of patients in each measurement with the real HAPI. */
const PIECE = 1_500;
const ROUNDS = 3;
const SIZES = [10, 25, 50, 100] as const;
const CONNECTIONS = 3;
const RECORD_KEYS = 'urn:radgate:record-key';
const CPF = 'https://saude.gov.br/fhir/sid/cpf';

type Say = (line: string) => void;

/** Returns the two measurements as Markdown. */
export async function benchImports(rows: number, say: Say): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'radgate-bench-list-'));
  try {
    const stub = await againstStub(folder, rows, say);
    const { loader, size, gateway } = await againstHapi(folder, stub.recorded, say);
    return `| imports | rows/s | compared |
|---|---|---|
| ${rows} rows to a FHIR server that keeps nothing | ${stub.rate.toFixed(0)} | ${ratio(stub.rate, loader)} what HAPI takes; at most ${stub.mebibytes.toFixed(0)} MiB resident |
| bare loader → HAPI, bundles of ${size} | ${loader.toFixed(0)} | |
| gateway → HAPI | ${gateway.toFixed(0)} | ${ratio(gateway, loader)} the bare loader |`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function againstStub(folder: string, rows: number, say: Say) {
  const stack = await startImportStack('stub', say);
  try {
    const file = await writeList(folder, 0, rows);
    say(`importing ${rows} rows to the stub`);
    const { result, mebibytes } = await mostResident(stack.gatewayPid, importList(stack, file, rows, say));
    const counts = Counts.parse(await ask(stack.fhir, '/counts'));
    if (counts['Patient'] !== rows) throw new Error(`the stub took ${counts['Patient']} patients`);
    const recorded = Bundles.parse(await ask(stack.fhir, '/recorded')).flatMap(({ entry }) =>
      byPatient(entry),
    );
    return { rate: result, mebibytes, recorded };
  } finally {
    await stack.stop();
  }
}

async function againstHapi(folder: string, recorded: unknown[][], say: Say) {
  const stack = await startImportStack('hapi', say);
  try {
    let turn = 0;
    const load = (size: number) =>
      loadBare(`${stack.fhir}/fhir`, recorded.slice(0, PIECE), size, (turn += 1));
    say('warming HAPI up');
    await load(50);
    await importList(stack, await writeList(folder, 9_000_000, 500), 500, say);
    const rates = new Map<number, number>();
    for (const size of SIZES) rates.set(size, await load(size));
    const [size = 50] = SIZES.toSorted((one, other) => (rates.get(other) ?? 0) - (rates.get(one) ?? 0));
    say(
      `the bare loader is fastest with bundles of ${size}: ${[...rates.values()].map(Math.round).join(', ')}`,
    );
    const [bare, through]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      bare.push(await load(size));
      const file = await writeList(folder, 1_000_000 * (round + 1), PIECE);
      through.push(await importList(stack, file, PIECE, say));
      say(
        `round ${round + 1}: bare ${bare.at(-1)?.toFixed(0)}, gateway ${through.at(-1)?.toFixed(0)} rows/s`,
      );
    }
    return { loader: median(bare), size, gateway: median(through) };
  } finally {
    await stack.stop();
  }
}

/** Sends a file and waits until its import has ended. Returns rows per second. The measured time begins after the file was stored. */
async function importList({ records }: ImportStack, file: string, rows: number, say: Say): Promise<number> {
  const { id } = await records.upload(file, {});
  const began = performance.now();
  let told = began;
  const end = await records.follow(id, (state) => {
    if (performance.now() - told < 10_000) return;
    told = performance.now();
    say(`  ${state.status}, ${state.rows_done} rows after ${((told - began) / 1000).toFixed(0)} s`);
  });
  if (end.status !== 'completed' || end.created !== rows) throw new Error(`the import ended ${end.status}`);
  return (rows * 1000) / (performance.now() - began);
}

/**
 * Loads the same resources without a gateway, in transactions of `size` patients. Three transactions run at a time. Returns patients per
 * second.
 */
async function loadBare(url: string, patients: unknown[][], size: number, turn: number): Promise<number> {
  const bodies: string[] = [];
  for (let at = 0; at < patients.length; at += size) {
    const entry = patients.slice(at, at + size).flat();
    const text = JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry });
    // Each run uses different patients.
    bodies.push(renamed(renamed(text, CPF, turn), RECORD_KEYS, turn));
  }
  const began = performance.now();
  const worker = async () => {
    for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
      const headers = { 'content-type': 'application/fhir+json' };
      const answer = await request(url, { method: 'POST', headers, body });
      await answer.body.dump({ limit: 2 ** 26 });
      if (answer.statusCode !== 200) throw new Error(`HAPI answered ${answer.statusCode}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  return (patients.length * 1000) / (performance.now() - began);
}

function renamed(text: string, system: string, turn: number): string {
  const other = `urn:bench:${turn}:${system.length}`;
  return text.replaceAll(system, other).replaceAll(encodeURIComponent(system), encodeURIComponent(other));
}

/** Returns the entries of a bundle, grouped by patient. Each group begins with the Patient resource. */
function byPatient(entries: readonly unknown[]): unknown[][] {
  const patients: unknown[][] = [];
  for (const entry of entries) {
    const { resource } = z.object({ resource: z.object({ resourceType: z.string() }) }).parse(entry);
    if (resource.resourceType === 'Patient') patients.push([]);
    patients.at(-1)?.push(entry);
  }
  return patients;
}

/** Writes a list of `rows` invented patients. Notes are as frequent as in the original list. */
async function writeList(folder: string, from: number, rows: number): Promise<string> {
  const file = join(folder, `${from}.csv`);
  const notes = ['', '', '', 'Diabético', '', '', '', 'Hipertenso', '', '', '', '', 'Gestante'];
  const lines = function* () {
    yield `${COLUMNS.join(',')}\n`;
    for (let at = from; at < from + rows; at += 1) {
      const digits = String(10_000_000_000 + at);
      yield `Pessoa ${at} da Silva,${digits},Feminino,01/02/1980,(11) 3333-4444,Brasil,${notes[at % notes.length] ?? ''}\n`;
    }
  };
  await pipeline(Readable.from(lines()), createWriteStream(file));
  return file;
}

async function ask(url: string, path: string): Promise<unknown> {
  return (await request(`${url}${path}`)).body.json();
}

const ratio = (value: number, other: number) => `${(value / other).toFixed(2)} ×`;

function median(all: readonly number[]): number {
  return all.toSorted((one, other) => one - other)[all.length >> 1] ?? 0;
}
