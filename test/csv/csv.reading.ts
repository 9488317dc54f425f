import { SHIPPED_MAPPINGS } from '../../src/mapping/defaults.js';
import type { MappingDocument } from '../../src/mapping/mapping.document.js';
import { inspectCsv, type CsvShape } from '../../src/csv/csv.inspection.js';
import { CsvProbe } from '../../src/csv/csv.probe.js';
import { type CsvRow, readRows } from '../../src/csv/csv.reader.js';

/** Returns the shipped mapping with this name. */
export function shipped(name: string): MappingDocument {
  const found = SHIPPED_MAPPINGS.find((document) => document.name === name);
  if (found === undefined) throw new Error(`no mapping ${name}`);
  return found;
}

/** Yields bytes in chunks of a fixed size, as a disk does. */
export async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Reads a whole file in the steps of an import job: probe, inspect, rows. */
export async function readCsv(
  bytes: Buffer | string,
  options: { mapping?: MappingDocument; encoding?: string; chunk?: number } = {},
): Promise<{ shape: CsvShape; rows: CsvRow[] }> {
  const plain = Buffer.from(bytes);
  const size = options.chunk ?? 65_536;
  const probe = new CsvProbe();
  for await (const chunk of chunks(plain, size)) probe.push(chunk);
  const shape = inspectCsv(probe.finish(), options.mapping ?? shipped('brazil-hospital'), options.encoding);
  const rows: CsvRow[] = [];
  for await (const batch of readRows(chunks(plain, size), shape)) rows.push(...batch);
  return { shape, rows };
}
