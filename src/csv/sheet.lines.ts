import { numberText } from './cell.values.js';
import { FileRefused } from './csv.refusal.js';
import { chosenSheet, type SheetChoice } from './sheet.choice.js';
import { SheetRows } from './sheet.rows.js';
import { readWorkbook, type Workbook } from './workbook.parts.js';
import { xmlReader } from './xml.events.js';
import { type EntryReader, readZip } from './zip.entries.js';

/**
 * The rows of a sheet of an XLSX workbook as CSV lines in UTF-8. Each row of the sheet is one record,
 * also a blank row, so row numbers stay the same. The first line says the delimiter. Each call of `open` reads the file from its start.
 */
export async function* sheetLines(
  open: () => AsyncIterable<Buffer>,
  choice: SheetChoice,
): AsyncGenerator<Buffer> {
  const workbook = await readWorkbook(open());
  const chosen = chosenSheet(workbook.sheets, choice);
  const rows = new SheetRows();
  let isFound = false;
  const reader = rowReader(workbook, rows);
  for await (const _ of readZip(open(), (name) => {
    if (name !== chosen?.entry) return undefined;
    isFound = true;
    return reader;
  })) {
    const lines = rows.take();
    if (lines !== undefined) yield lines;
  }
  if (!isFound) throw new FileRefused('file-spreadsheet');
}

function rowReader({ strings, formats, is1904 }: Workbook, rows: SheetRows): EntryReader {
  let row = 0;
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
  const read = xmlReader({
    open: (name, at) => {
      if (name === 'row') {
        row = at['r'] === undefined ? row + 1 : Number(at['r']);
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
      if (name === 'c') rows.set(place, textOfCell());
      else if (name === 'row') rows.end(row);
    },
  });
  return (bytes, isLast) => {
    rows.count(bytes.length);
    read(bytes, isLast);
  };
}

/** The position of the column of a cell reference: 0 for `A7`, 26 for `AA7`. */
function columnOf(reference: string): number {
  let place = 0;
  for (const letter of /^[A-Z]{1,3}/u.exec(reference)?.[0] ?? '')
    place = place * 26 + letter.charCodeAt(0) - 64;
  if (place === 0) throw new FileRefused('file-spreadsheet');
  return place - 1;
}
