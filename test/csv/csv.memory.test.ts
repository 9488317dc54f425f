import { describe, expect, it } from 'vitest';
import { heldBytes } from '../support/held.memory.ts';
import { longForm } from '../support/long.form.ts';
import { readCsv, shipped } from './csv.reading.ts';
import { inspectCsv } from '../../src/csv/csv.inspection.js';
import { CsvProbe } from '../../src/csv/csv.probe.js';
import { readRows } from '../../src/csv/csv.reader.js';

const HEADER = Buffer.from('Nome,CPF,Observação\n');

const LOOKS = 8;

/**
 * Yields a header and then `times` times the same chunk, so the file is never in memory as a whole. Calls `look` a few times in between.
 */
async function* endless(chunk: Buffer, times: number, look?: () => void): AsyncGenerator<Buffer> {
  yield HEADER;
  for (let time = 1; time <= times; time += 1) {
    yield Buffer.from(chunk);
    if (time % Math.ceil(times / LOOKS) === 0) look?.();
  }
}

/** The number of rows of such a file, and the largest growth of memory in bytes while the file was read. */
async function highWater(chunk: Buffer, times: number) {
  const probe = new CsvProbe();
  for await (const piece of endless(chunk, times)) probe.push(piece);
  const shape = inspectCsv(probe.finish(), shipped('brazil-hospital'));
  const before = heldBytes();
  let rows = 0;
  let most = 0;
  const look = () => (most = Math.max(most, heldBytes() - before));
  for await (const batch of readRows(endless(chunk, times, look), shape)) rows += batch.length;
  return { rows, most };
}

/** Both files are larger than the memory that they may cost. */
const ROWS = longForm(300_000, 100_000);
const MEGABYTES = longForm(400, 40);

describe('memory', () => {
  it(`does not grow with ${ROWS} rows`, async () => {
    const chunk = Buffer.from('Ana Souza,529.982.247-25,Diabético\n'.repeat(1_000));
    const { rows, most } = await highWater(chunk, ROWS / 1_000);
    expect(rows).toBe(ROWS);
    expect(most).toBeLessThan(16 * 2 ** 20);
  });

  it(`does not grow with a line of ${MEGABYTES} MB`, async () => {
    const { rows, most } = await highWater(Buffer.alloc(2 ** 20, 'x'), MEGABYTES);
    expect(rows).toBe(1);
    expect(most).toBeLessThan(16 * 2 ** 20);
  });

  it('is small for a small file', async () => {
    expect((await readCsv('Nome,CPF\nAna,1\n')).rows).toHaveLength(1);
  });
});
