import { Readable } from 'node:stream';
import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { inspectCsv } from '../../src/csv/csv.inspection.js';
import { type CsvRow, readRows } from '../../src/csv/csv.reader.js';
import { plainBytes, probeFile } from '../../src/csv/plain.file.js';
import { shipped } from './csv.reading.ts';
import { openDocument, openRow, sheetRows, workbook } from './workbook.maker.ts';

const HEADER =
  '<row r="3"><c r="B3" t="s"><v>1</v></c><c r="A3" t="s"><v>0</v></c><c r="C3" t="s"><v>2</v></c><c r="D3"/></row>';

async function rowsOf(file: Buffer, size = 700, sheet?: string): Promise<CsvRow[]> {
  const open = () => {
    const parts = Array.from({ length: Math.ceil(file.length / size) }, (_, at) =>
      file.subarray(at * size, (at + 1) * size),
    );
    return Readable.from(parts);
  };
  const shape = inspectCsv(await probeFile(open, sheet), shipped('brazil-hospital'));
  const rows: CsvRow[] = [];
  for await (const batch of readRows(plainBytes(open, { sheet }), shape)) rows.push(...batch);
  return rows;
}

describe('an XLSX workbook', () => {
  it.each([7, 700, 1_000_000])(
    'is read from its first visible sheet, with the rows of the sheet (%i)',
    async (size) => {
      const file = workbook(
        `<row r="1"><c r="A1" t="inlineStr"><is><t>Lista de pacientes</t></is></c></row>${HEADER}` +
          '<row r="5"><c r="A5" t="s"><v>3</v></c><c r="B5" s="2"><v>1234567890</v></c><c r="C5" s="1"><v>29252</v></c></row>' +
          '<row><c t="s"><v>4</v></c><c><v>5.2998224725E10</v></c><c s="3"><v>60.5</v></c></row>' +
          '<row r="8"><c r="A8" t="str"><f>A5</f><v>Ana</v></c><c r="B8"><v>1234567890123456789</v></c></row>' +
          '<row r="9"><c r="A9" t="e"><v>#REF!</v></c><c r="B9"><f>1+1</f></c></row>',
      );
      expect((await rowsOf(file, size)).map(({ row, cells, fault }) => [row, fault?.code ?? cells])).toEqual([
        [5, ['João & "Zé"', '01234567890', '1980-02-01']],
        [6, ['dois\nnomes', '52998224725', '1900-02-28T12:00:00']],
        [8, ['Ana', '1.2345678901234568E+18', '']],
        [9, ['=#REF!', '=', '']],
      ]);
    },
  );

  it.each([
    ['is cut', workbook(HEADER).subarray(0, 900), 'file-spreadsheet'],
    ['has invalid XML', workbook('<row><c></row>'), 'file-spreadsheet'],
    [
      'has a document type',
      workbook(HEADER, { 'xl/sharedStrings.xml': '<!DOCTYPE x [<!ENTITY a "b">]><sst/>' }),
      'file-spreadsheet',
    ],
    [
      'has no such sheet',
      workbook(HEADER, { 'xl/_rels/workbook.xml.rels': '<Relationships/>' }),
      'file-spreadsheet',
    ],
    [
      'is a text document',
      Buffer.from(
        zipSync({ '[Content_Types].xml': strToU8('<Types/>'), 'word/document.xml': strToU8('<w/>') }),
      ),
      'file-archive',
    ],
    [
      'has cells far to the right',
      workbook(`<row r="1"><c r="XFD1"><v>1</v></c></row>`),
      'file-columns-too-many',
    ],
    ['expands without end', workbook('<row><c><v>1</v></c></row>'.repeat(2_000_000)), 'file-gzip-bomb'],
    ['has only a header', workbook(HEADER), 'file-header-only'],
  ])('is refused when it %s', async (_, file, code) => {
    await expect(rowsOf(file, 65_536)).rejects.toMatchObject({ name: 'FileRefused', code });
  });
});

const OPEN_HEADER = openRow('Nome', 'CPF', 'Data de Nascimento', [
  'table:number-columns-repeated="1000000000"',
  '',
]);
const value = (type: string, number: string, shown: string) =>
  [
    `office:value-type="${type}" office:${type === 'float' ? '' : `${type}-`}value="${number}"`,
    `<text:p>${shown}</text:p>`,
  ] as const;
const repeated = (times: string, ...cells: Parameters<typeof openRow>) =>
  openRow(...cells).replace('<table:table-row', `<table:table-row table:number-rows-repeated="${times}"`);

describe('an ODS workbook', () => {
  it.each([7, 700, 1_000_000])('is read like an XLSX workbook (%i)', async (size) => {
    const file = openDocument(
      [
        openRow('Lista de pacientes'),
        repeated('1', ''),
        OPEN_HEADER,
        openRow(
          ['office:value-type="string"', '<text:p>João &amp; <text:span>"Zé"</text:span></text:p>'],
          value('float', '1234567890', '01234567890'),
          value('date', '1980-02-01', '01/02/80'),
        ),
        openRow(
          [
            '',
            '<office:annotation><text:p>no</text:p></office:annotation><text:p>dois</text:p><text:p>no<text:s text:c="2"/>mes</text:p>',
          ],
          value('float', '52998224725', '5,3E+10'),
          value('date', '1900-02-28T12:00:00.000000000', 'x'),
        ),
        repeated('2', ''),
        openRow(
          'Ana',
          value('float', '1.2345678901234568E+18', '1,23E+18'),
          value('time', 'PT07H05M00S', '7:05'),
        ),
        openRow(
          ['table:formula="of:=1" calcext:value-type="error"', '<text:p>#REF!</text:p>'],
          ['table:formula="of:=1"', ''],
          value('boolean', 'true', 'VERDADEIRO'),
        ),
        repeated('3', 'Eva'),
        repeated('1048000', ['table:number-columns-repeated="16384"', '']),
      ].join(''),
    );
    expect((await rowsOf(file, size)).map(({ row, cells, fault }) => [row, fault?.code ?? cells])).toEqual([
      [4, ['João & "Zé"', '01234567890', '1980-02-01']],
      [5, ['dois\nno  mes', '52998224725', '1900-02-28T12:00:00']],
      [8, ['Ana', '1.2345678901234568E+18', '07:05:00']],
      [9, ['=#REF!', '=', 'TRUE']],
      ...[10, 11, 12].map((row) => [row, ['Eva', '', '']]),
    ]);
  });

  it.each([
    ['is cut', openDocument(OPEN_HEADER).subarray(0, 500), 'file-spreadsheet'],
    ['has invalid XML', openDocument('<table:table-row><a></table:table-row>'), 'file-spreadsheet'],
    ['has no content', openDocument('', { 'content.xml': '<a/>' }), 'file-spreadsheet'],
    [
      'has a document type',
      openDocument('', { 'content.xml': '<!DOCTYPE x [<!ENTITY a "b">]><x/>' }),
      'file-spreadsheet',
    ],
    [
      'has a password',
      openDocument('', {
        'content.xml': 'not XML',
        'META-INF/manifest.xml':
          '<m:manifest xmlns:m="urn:m"><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>',
      }),
      'file-encrypted',
    ],
    [
      'has cells far to the right',
      openDocument(openRow(['table:number-columns-repeated="1000000000"', '<text:p>x</text:p>'])),
      'file-columns-too-many',
    ],
    ['has an invalid repeat', openDocument(OPEN_HEADER + repeated('-1', 'x')), 'file-spreadsheet'],
    [
      'repeats a row without end',
      openDocument(OPEN_HEADER + repeated('1000000000', 'x')),
      'file-spreadsheet',
    ],
    [
      'repeats a long row',
      openDocument(OPEN_HEADER + repeated('1000000', 'x'.repeat(1_000))),
      'file-gzip-bomb',
    ],
    ['expands without end', openDocument(openRow('').repeat(1_000_000)), 'file-gzip-bomb'],
    ['has only a header', openDocument(OPEN_HEADER), 'file-header-only'],
  ])('is refused when it %s', async (_, file, code) => {
    await expect(rowsOf(file, 65_536)).rejects.toMatchObject({ name: 'FileRefused', code });
  });

  it('rejects only the row whose repeated cells are too long', async () => {
    const cell = ['table:number-columns-repeated="3"', `<text:p>${'x'.repeat(70_000)}</text:p>`] as const;
    const rows = await rowsOf(openDocument(OPEN_HEADER + openRow(cell) + openRow('Ana')));
    expect(rows.map(({ row, fault }) => [row, fault?.code])).toEqual([
      [2, 'row-too-large'],
      [3, undefined],
    ]);
  });
});

const visibleSheets = async (file: Buffer) => (await probeFile(() => Readable.from([file]))).sheets;

describe('the sheet of a workbook', () => {
  const header = ['Nome', 'CPF', 'Data de Nascimento'];
  const files = {
    xlsx: workbook(sheetRows(header, ['Ana'])),
    ods: openDocument(openRow(...header) + openRow('Ana')),
  };
  const kinds = [['xlsx', files.xlsx] as const, ['ods', files.ods] as const];

  it.each(
    kinds.flatMap(([kind, file]) =>
      [undefined, '1', 'pacientes', ' Pacientes '].map((sheet) => ({ kind, file, sheet })),
    ),
  )('is found by its name or its number: $sheet in $kind', async ({ file, sheet }) => {
    expect((await rowsOf(file, 700, sheet)).map(({ cells }) => cells[0])).toEqual(['Ana']);
  });

  it.each(
    kinds.flatMap(([kind, file]) => ['0', '3', 'x', 'Outra', ''].map((sheet) => ({ kind, file, sheet }))),
  )('is missing, and the refusal names no sheet: "$sheet" in $kind', async ({ file, sheet }) => {
    const refused: unknown = await rowsOf(file, 700, sheet).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'file-sheet-missing', columns: [] });
    expect(String(refused)).not.toContain('Pacientes');
  });

  it('that is not read is told, and a text file has none', async () => {
    expect([
      await visibleSheets(files.xlsx),
      await visibleSheets(files.ods),
      await visibleSheets(Buffer.from('a,b\n')),
    ]).toEqual([1, 2, undefined]);
    await expect(rowsOf(Buffer.from('Nome,CPF\nAna,1\n'), 700, '1')).rejects.toMatchObject({
      code: 'file-sheet-unexpected',
    });
  });
});

it('has texts that occur in many cells, but not without end', async () => {
  const shared = { 'xl/sharedStrings.xml': `<sst><si><t>${'x'.repeat(60_000)}</t></si></sst>` };
  const cells = '<row><c t="s"><v>0</v></c></row>'.repeat(20_000);
  await expect(rowsOf(workbook(cells, shared), 65_536)).rejects.toMatchObject({ code: 'file-gzip-bomb' });
});
