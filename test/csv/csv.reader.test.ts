import { describe, expect, it } from 'vitest';
import { encodeList, patientFile, FORMS } from '../../infra/demo/patients.file.ts';
import { explainShape } from '../../src/csv/csv.inspection.js';
import { cellsByColumn } from '../../src/csv/csv.reader.js';
import { reportHeader, reportLine } from '../../src/csv/csv.report.js';
import { issue } from '../../src/mapping/issue.js';
import { readCsv } from './csv.reading.ts';

const HEADER = 'Nome,CPF,Observação';
const told = async (text: string, chunk?: number) => {
  const { rows } = await readCsv(text, chunk === undefined ? {} : { chunk });
  return rows.map(({ row, line, cells, fault }) => [row, line, fault?.code ?? cells.join('+')]);
};
const refusal = (bytes: Buffer | string, encoding?: string) =>
  expect(readCsv(bytes, encoding === undefined ? {} : { encoding })).rejects;

describe('how a file is read', () => {
  it.each([
    ['ISO-8859-1, comma, LF', 'windows-1252', 'header-words', ',', 'header-words'],
    ['UTF-8 without mark', 'utf-8', 'strict-utf-8', ',', 'header-words'],
    ['UTF-8 with mark, sep= line', 'utf-8', 'byte-order-mark', ';', 'sep-line'],
    ['UTF-16 with mark, tabs (Excel “Unicode text”)', 'utf-16le', 'byte-order-mark', '\t', 'header-words'],
    ['UTF-16 big end first, without mark', 'utf-16be', 'nul-pattern', ';', 'header-words'],
    ['MacRoman, semicolon, CR', 'macintosh', 'header-words', ';', 'header-words'],
    ['code page 850, pipes', 'cp850', 'header-words', '|', 'header-words'],
  ])('is explained for %s', async (form, encoding, encodingReason, delimiter, delimiterReason) => {
    const { shape } = await readCsv(patientFile(FORMS[form]));
    expect(explainShape(shape)).toMatchObject({
      encoding,
      encoding_reason: encodingReason,
      delimiter,
      delimiter_reason: delimiterReason,
      ignored_columns: [],
    });
  });

  it('is UTF-8 only if the last byte is valid too', async () => {
    const ascii = `${HEADER}\n${'Ana,1,\n'.repeat(100_000)}`;
    const utf8 = await readCsv(`${ascii}João,1,\n`);
    expect(utf8.shape.encoding.encoding).toBe('utf-8');
    const latin = Buffer.concat([
      Buffer.from(ascii.replace(HEADER, 'Nome,CPF,X')),
      Buffer.from('João,1,\n', 'latin1'),
    ]);
    const { shape, rows } = await readCsv(latin);
    expect(shape.encoding).toMatchObject({ encoding: 'windows-1252', reason: 'header-words' });
    expect(rows.at(-1)?.cells[0]).toBe('João');
  });

  it('decodes UTF-8 letters that are split between chunks', async () => {
    const { shape, rows } = await readCsv(`${HEADER}\nJoão 漢字 🙂,1,\n`, { chunk: 1 });
    expect(shape.encoding.reason).toBe('strict-utf-8');
    expect(rows[0]?.cells[0]).toBe('João 漢字 🙂');
  });

  it('is the encoding of the caller, unless the file is invalid in it', async () => {
    const { shape } = await readCsv('Nome,CPF\nAna,1\n', { encoding: 'Latin-1' });
    expect(shape.encoding).toEqual({ encoding: 'windows-1252', reason: 'named', skip: 0 });
    await refusal(`${HEADER}\nJoão,1,\n`, 'Latin-1').toMatchObject({ code: 'file-encoding-wrong' });
    const latin = encodeList(
      [
        ['Nome', 'CPF'],
        ['João', '1'],
      ],
      FORMS['ISO-8859-1, comma, LF']!,
    );
    await refusal(latin, 'utf-8').toMatchObject({ code: 'file-encoding-wrong' });
    await refusal(patientFile(FORMS['UTF-8 with mark, sep= line']), 'cp850').toMatchObject({
      code: 'file-encoding-wrong',
    });
    await refusal(latin, '__proto__').toMatchObject({ code: 'file-encoding-unknown' });
  });

  it('lists columns it ignores, also one named __proto__', async () => {
    const { shape, rows } = await readCsv('Nome,CPF,__proto__,Cor\nAna,1,x,y\n');
    expect(shape.header.ignored).toEqual(['__proto__', 'Cor']);
    expect([...cellsByColumn(rows[0]?.cells ?? [], shape.header)]).toEqual([
      ['name', 'Ana'],
      ['cpf', '1'],
    ]);
  });

  it.each([
    ['', 'file-empty'],
    [`${HEADER}\n`, 'file-header-only'],
    [`${HEADER}\n,,\n`, 'file-header-only'],
    ['Ana,52998224725,x\nBob,1,y\n', 'file-header-missing'],
    ['Nome,Telefone\nAna,1\n', 'file-column-missing'],
    ['Nome,CPF,Paciente\nAna,1,Eva\n', 'file-column-double'],
    ['Nome,CPF,X,x\nAna,1,2,3\n', 'file-column-double'],
    ['Nome,CPF,\nAna,1,x\n', 'file-column-unnamed'],
    [`Nome,CPF,${Array.from({ length: 300 }, (_, at) => `x${at}`).join(',')}\n`, 'file-columns-too-many'],
    ['x'.repeat(2_000_000), 'file-header-missing'],
  ])('is refused: %.20s', async (text, code) => {
    await refusal(text).toMatchObject({ name: 'FileRefused', code });
  });
});

describe('rows', () => {
  it.each([undefined, 1, 7])('are counted, with their lines, whatever the chunks (%s)', async (chunk) => {
    const text = `${HEADER}\r\nAna,1,"two\r\nlines"\r\n\r\n,,\r\nBob,2\r\nEva,3,ok\r\n`;
    expect(await told(text, chunk)).toEqual([
      [2, 2, 'Ana+1+two\r\nlines'],
      [5, 6, 'column-count'],
      [6, 7, 'Eva+3+ok'],
    ]);
  });

  it.each([undefined, 5])('after an open quote go on with the next line: one error (%s)', async (chunk) => {
    const rest = Array.from({ length: 3_000 }, (_, at) => `P${at},${at},note`);
    const text = [HEADER, 'Ana,1,"open', ...rest].join('\n');
    const rows = await told(text, chunk === undefined ? undefined : 4_099);
    expect(rows).toHaveLength(3_001);
    expect(rows[0]).toEqual([2, 2, 'quote-broken']);
    expect(rows.slice(1).every(([, , what]) => String(what).endsWith('+note'))).toBe(true);
    expect(rows.at(-1)).toEqual([3_002, 3_002, 'P2999+2999+note']);
  });

  it.each([
    ['Ana,1,"open\nBob,2,x\nEva,3,"y"\n', ['quote-broken', 'Bob+2+x', 'Eva+3+y']],
    ['Ana,1,in"side\nBob,2,x\n', ['quote-broken', 'Bob+2+x']],
    ['Ana,1,"a"b\nBob,2,x\n', ['quote-broken', 'Bob+2+x']],
    ['"Ana\nBob,2,x\nEva",3\nIda,4,z\n', ['quote-broken', 'Bob+2+x', 'quote-broken', 'Ida+4+z']],
    ['Ana,1,x\nBob,2,"open', ['Ana+1+x', 'quote-broken']],
  ])('with broken quotes are one error each: %j', async (text, expected) => {
    for (const chunk of [undefined, 1, 3])
      expect((await told(`${HEADER}\n${text}`, chunk)).map(([, , what]) => what)).toEqual(expected);
  });

  it('longer than 64 KiB are one error each', async () => {
    const long = 'x'.repeat(70_000);
    const rows = await told(`${HEADER}\nAna,1,${long}\nBob,2,"${long}"\nEva,3,x\n`);
    expect(rows.map(([, , what]) => what)).toEqual(['row-too-large', 'row-too-large', 'Eva+3+x']);
    expect(rows.map(([, line]) => line)).toEqual([2, 3, 4]);
  });

  it('with broken quotes everywhere refuse the file', async () => {
    await refusal(`${HEADER}\n${'Ana,1,in"side\n'.repeat(1_001)}`).toMatchObject({
      code: 'file-broken-quotes',
    });
  });
});

describe('errors.csv', () => {
  it('comes back: added columns are ignored, formulas are what they were', async () => {
    const text = `${HEADER}\n=1+1,1,"a ""b"", c"\n'-x,2,\n`;
    const first = await readCsv(text);
    const { names } = first.shape.header;
    const lines = first.rows.map((row) => reportLine(row, names, [issue('cell-formula', 'name')], ','));
    const report = reportHeader(names, ',') + lines.join('');
    expect(lines[0]).toMatch(/^'=1\+1,1,"a ""b"", c",2,error,cell-formula,/);
    const again = await readCsv(report);
    expect(again.shape.header.ignored).toEqual(['_row', '_severity', '_codes', '_messages']);
    const cells = again.rows.map((row) => [...cellsByColumn(row.cells, again.shape.header).values()]);
    expect(cells[0]).toEqual(['=1+1', '1', 'a "b", c']);
    const twice = again.rows.map((row) =>
      reportLine(row, again.shape.header.names, [issue('cell-formula', 'name')], ','),
    );
    expect(twice).toEqual(lines);
  });
});
