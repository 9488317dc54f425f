import { parse } from 'csv-parse/sync';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvLines, withoutFormulaEscape } from '../../src/csv/csv.writer.js';
import { longForm } from '../support/long.form.ts';

const DELIMITERS = [',', ';', '\t', '|'] as const;
const SIGNS = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'] as const;

/** The expected text of a cell in the written file, computed without the CSV library (RFC 4180 §2, OWASP "CSV Injection"). */
function written(cell: string, delimiter: string, quoteBlanks: boolean): string {
  const escaped = SIGNS.some((sign) => cell.startsWith(sign)) ? `'${cell}` : cell;
  const quoted =
    escaped.includes(delimiter) || /["\r\n]/u.test(escaped) || (quoteBlanks && /^\s|\s$/u.test(escaped));
  return quoted ? `"${escaped.replaceAll('"', '""')}"` : escaped;
}

/** Every special character alone, and before and after each character that has a meaning in CSV. */
const STRUCTURE = ['', 'a', '1', ' ', '\n', '\r', '\r\n', '\t', '"', '""', "'", ',', ';', '|', '\u{1F469}'];
const CELLS = [
  ...STRUCTURE,
  ...[...SIGNS, "'", '"'].flatMap((sign) =>
    STRUCTURE.flatMap((other) => [sign + other, other + sign, `${sign}1+1${other}`, ` ${sign}${other}`]),
  ),
];

describe('a CSV cell', () => {
  for (const delimiter of DELIMITERS)
    for (const quoteBlanks of [false, true])
      it(`is quoted and escaped between ${JSON.stringify(delimiter)}${quoteBlanks ? ', outer blanks quoted' : ''}`, () => {
        for (const cell of CELLS) {
          const line = csvLines([['first', cell, 'last']], { delimiter, quoteBlanks });
          const expected = ['first', written(cell, delimiter, quoteBlanks), 'last'].join(delimiter);
          expect(line).toBe(`${expected}\r\n`);
        }
      });

  it('is never the beginning of a formula, and is read as it was written', () => {
    const cell = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...CELLS));
    fc.assert(
      fc.property(
        fc.array(fc.array(cell, { minLength: 2, maxLength: 2 }), { minLength: 1, maxLength: 20 }),
        fc.constantFrom(...DELIMITERS),
        fc.boolean(),
        (records, delimiter, quoteBlanks) => {
          const text = csvLines(records, { delimiter, quoteBlanks });
          const read: string[][] = parse(text, {
            delimiter,
            record_delimiter: '\r\n',
            skip_empty_lines: false,
          });
          expect(read.flat().filter((one) => SIGNS.some((sign) => one.startsWith(sign)))).toEqual([]);
          expect(read.flat().map(withoutFormulaEscape)).toEqual(records.flat().map(withoutFormulaEscape));
        },
      ),
      { numRuns: longForm(200, 40) },
    );
  });

  it('of a number is the number, also a negative one; null is empty', () => {
    expect(csvLines([[-1.5, 7, null, '']])).toBe('-1.5,7,,\r\n');
  });
});
