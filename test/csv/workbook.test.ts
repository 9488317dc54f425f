import { Readable } from 'node:stream';
import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { inspectCsv } from '../../src/csv/csv.inspection.js';
import { type CsvRow, readRows } from '../../src/csv/csv.reader.js';
import { plainBytes, probeFile } from '../../src/csv/plain.file.js';
import { shipped } from './csv.reading.ts';
import { workbook } from './workbook.maker.ts';

const HEADER =
  '<row r="3"><c r="B3" t="s"><v>1</v></c><c r="A3" t="s"><v>0</v></c><c r="C3" t="s"><v>2</v></c><c r="D3"/></row>';

async function rowsOf(file: Buffer, size = 700): Promise<CsvRow[]> {
  const open = () => {
    const parts = Array.from({ length: Math.ceil(file.length / size) }, (_, at) =>
      file.subarray(at * size, (at + 1) * size),
    );
    return Readable.from(parts);
  };
  const shape = inspectCsv(await probeFile(open), shipped('brazil-hospital'));
  const rows: CsvRow[] = [];
  for await (const batch of readRows(plainBytes(open), shape)) rows.push(...batch);
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
