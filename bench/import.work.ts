import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { request } from 'undici';
import { z } from 'zod';
import { COLUMNS } from '../infra/demo/patients.list.ts';
import type { ImportStack } from './import.stack.ts';

const Bundles = z.array(z.object({ entry: z.array(z.unknown()) }));
const CONNECTIONS = 3;
const RECORD_KEYS = 'urn:radgate:record-key';
const CPF = 'https://saude.gov.br/fhir/sid/cpf';

export type Say = (line: string) => void;

/** A file with a list of patients. */
export interface List {
  readonly file: string;
  readonly rows: number;
}

/** The resources that the gateway sent to the stub, grouped by patient. */
export async function recordedPatients(stub: ImportStack): Promise<unknown[][]> {
  const bundles = Bundles.parse(await ask(stub.fhir, '/recorded'));
  return bundles.flatMap(({ entry }) => byPatient(entry));
}

/** Sends a file and waits until its import has ended. Returns rows per second. The measured time begins after the file was stored. */
export async function importList(
  { records }: ImportStack,
  list: List,
  say: Say,
  mode = 'commit',
): Promise<number> {
  const { file, rows } = list;
  const { id } = await records.upload(file, { mode });
  const began = performance.now();
  let told = began;
  const end = await records.follow(id, (state) => {
    if (performance.now() - told < 10_000) return;
    told = performance.now();
    say(`  ${state.status}, ${state.rows_done} rows after ${((told - began) / 1000).toFixed(0)} s`);
  });
  const status = mode === 'commit' ? 'completed' : 'rehearsed';
  if (end.status !== status || end.created !== rows) throw new Error(`the import ended ${end.status}`);
  return (rows * 1000) / (performance.now() - began);
}

/**
 * Loads the same resources without a gateway, in transactions of `size` patients. Three transactions run at a time. Returns patients per
 * second.
 */
export async function loadBare(
  url: string,
  patients: unknown[][],
  size: number,
  turn: number,
): Promise<number> {
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

/** Writes a list of `rows` invented patients. Notes are as frequent as in the original list. `from` is the number of the first patient. */
export async function writeList(folder: string, from: number, rows: number): Promise<List> {
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
  return { file, rows };
}

export async function ask(url: string, path: string): Promise<unknown> {
  return (await request(`${url}${path}`)).body.json();
}

export function median(all: readonly number[]): number {
  return all.toSorted((one, other) => one - other)[all.length >> 1] ?? 0;
}
