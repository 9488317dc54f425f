import { numberText } from './cell.values.js';
import { LIMITS } from './csv.limits.js';
import { FileRefused } from './csv.refusal.js';
import { readWorkbook, type Workbook } from './workbook.parts.js';
import { xmlReader } from './xml.events.js';
import { type EntryReader, readZip } from './zip.entries.js';

const MOST_SHEET_ROWS = 1_048_576;

/**
 * The rows of the first visible sheet of an XLSX workbook as CSV lines in UTF-8. Each row of the sheet is one record,
 * also a blank row, so row numbers stay the same. The first line says the delimiter. Each call of `open` reads the file from its start.
 */
export async function* sheetLines(open: () => AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const workbook = await readWorkbook(open());
  const { sheets } = workbook;
  const chosen = sheets.find(({ isHidden }) => !isHidden) ?? sheets[0];
  let lines = 'sep=,\r\n';
  let isFound = false;
  const reader = rowReader(workbook, (line) => (lines += line));
  for await (const _ of readZip(open(), (name) => {
    if (name !== chosen?.entry) return undefined;
    isFound = true;
    return reader;
  })) {
    if (lines !== '') yield Buffer.from(lines);
    lines = '';
  }
  if (lines !== '') yield Buffer.from(lines);
  if (!isFound) throw new FileRefused('file-spreadsheet');
}

function rowReader({ strings, formats, is1904 }: Workbook, emit: (line: string) => void): EntryReader {
  let lastRow = 0;
  let cells: string[] = [];
  let width = 0;
  let place = 0;
  let attributes: Readonly<Record<string, string>> = {};
  let value = '';
  let isValue = false;
  let hasFormula = false;
  const textOfCell = (): string => {
    const { t: type = 'n', s: style } = attributes;
    // A formula without a stored value would be lost. As a formula, it is reported.
    if (value === '' && hasFormula) return '=';
    if (type === 's') return strings[Number(value)] ?? '';
    if (type === 'b') return value === '1' ? 'TRUE' : 'FALSE';
    if (type === 'e') return `=${value}`;
    return type === 'n' ? numberText(value, formats[Number(style ?? 0)] ?? 'other', is1904) : value;
  };
  return xmlReader({
    open: (name, at) => {
      if (name === 'row') {
        const row = at['r'] === undefined ? lastRow + 1 : Number(at['r']);
        if (!(row > lastRow && row <= MOST_SHEET_ROWS)) throw new FileRefused('file-spreadsheet');
        emit('\r\n'.repeat(row - lastRow - 1));
        lastRow = row;
        cells = [];
        place = -1;
      } else if (name === 'c') {
        attributes = at;
        place = at['r'] === undefined ? place + 1 : columnOf(at['r']);
        value = '';
        hasFormula = false;
      } else if (name === 'f') hasFormula = true;
      isValue = name === 'v' || name === 't';
    },
    text: (text) => {
      if (isValue) value += text;
    },
    close: (name) => {
      isValue = false;
      if (name === 'c') {
        if (place >= LIMITS.sheetColumns) throw new FileRefused('file-columns-too-many');
        const text = textOfCell();
        if (text !== '') cells[place] = text;
      } else if (name === 'row') {
        width = Math.max(width, cells.length);
        const isBlank = cells.length === 0;
        emit(
          `${isBlank ? '' : Array.from({ length: width }, (_, at) => quoted(cells[at] ?? '')).join(',')}\r\n`,
        );
      }
    },
  });
}

const quoted = (text: string): string => (/[",\r\n]/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** The position of the column of a cell reference: 0 for `A7`, 26 for `AA7`. */
function columnOf(reference: string): number {
  let place = 0;
  for (const letter of /^[A-Z]{1,3}/u.exec(reference)?.[0] ?? '')
    place = place * 26 + letter.charCodeAt(0) - 64;
  if (place === 0) throw new FileRefused('file-spreadsheet');
  return place - 1;
}
