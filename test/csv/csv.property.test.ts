import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeList, type FileForm } from '../../infra/demo/patients.file.ts';
import { readCsv } from './csv.reading.ts';
import { longForm } from '../support/long.form.ts';

const HEADER = ['Nome', 'CPF', 'Gênero', 'Observação'];
const form: fc.Arbitrary<FileForm> = fc.record({
  encoding: fc.constantFrom('utf-8' as const, 'utf-16le' as const, 'utf-16be' as const),
  delimiter: fc.constantFrom(',' as const, ';' as const, '\t' as const, '|' as const),
  newline: fc.constantFrom('\n' as const, '\r\n' as const, '\r' as const),
  byteOrderMark: fc.constant(true),
  sepLine: fc.boolean(),
});
const cell = fc.oneof(
  fc.constantFrom('', 'a "b" c', 'x,y;z', 'two\nlines', 'two\r\nlines', '"', 'João', '漢字'),
  fc.string({ maxLength: 12 }),
);
// The first cell is never empty, so that no row is blank.
const row = fc.tuple(
  cell.map((text) => `n${text}`),
  cell,
  cell,
  cell,
);

describe('any list in any file form', () => {
  it('is read as it was written, whatever the chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 12 }),
        form,
        fc.integer({ min: 1, max: 90 }),
        async (list, written, chunk) => {
          const { rows } = await readCsv(encodeList([HEADER, ...list], written), { chunk });
          expect(rows.map(({ cells }) => cells)).toEqual(list);
          // The header is row 1. Cells of several lines are in one row.
          expect(rows.map(({ row }) => row)).toEqual(list.map((_, at) => at + 2));
          const lines = list.map((cells) => cells.join('').split(/\r\n|\n|\r/).length - 1);
          const before = lines.map((_, at) => lines.slice(0, at).reduce((sum, more) => sum + more, 0));
          const first = written.sepLine === true ? 3 : 2;
          expect(rows.map(({ line }) => line)).toEqual(before.map((more, at) => at + first + more));
        },
      ),
      { numRuns: longForm(200, 40) },
    );
  });

  it('a malformed row does not affect others: every line of the file is counted once', async () => {
    const line = fc.constantFrom('a,1,F,x', 'a,1', 'a,"1,F,x', 'a,1"1,F,x', '"a"b,1,F,x', 'a,1,F,"x"', '"');
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 90 }),
        async (lines, chunk) => {
          const { rows } = await readCsv([HEADER.join(','), ...lines, ''].join('\n'), { chunk });
          const covered = rows.reduce(
            (total, { cells, fault }) =>
              total + (fault === undefined ? cells.join('').split('\n').length : 1),
            0,
          );
          expect(covered).toBe(lines.length);
        },
      ),
      { numRuns: longForm(200, 40) },
    );
  });
});
