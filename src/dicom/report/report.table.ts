import { itemsOf, type JsonDataSet } from '../json/dicom.json.js';
import { codeOf, firstText, formattedValues, textsOf, unitSymbol } from './report.values.js';

/** The value of a content item of the type TABLE (PS3.3 §C.18.10). A cell without a value is empty. */
export interface ReportTable {
  /** The numbers of rows and columns in the file. */
  readonly size: string;
  /** The names of the columns with their units. Empty when no column has a name. */
  readonly columns: readonly string[];
  readonly rows: readonly {
    readonly name: string;
    readonly cells: readonly string[];
  }[];
}

/** Largest number of rows and of columns that are shown. */
const MAX_ROWS = 200;
const MAX_COLUMNS = 32;

const TABULATED = '0040A801';
const [ROWS, COLUMNS, ROW, COLUMN] = ['0040A802', '0040A803', '0040A804', '0040A805'] as const;
const [ROW_DEFINITIONS, COLUMN_DEFINITIONS, CELLS] = ['0040A806', '0040A807', '0040A808'] as const;
const CONCEPT = '0040A043';
/** Selector AE Value to Selector UV Value, and Selector Code Sequence Value (PS3.6). */
const FIRST_VALUE = '0072005E';
const LAST_VALUE = '0072007F';
const CODES = '00720080';
const TARGET = '0040DB73';

/** The table of a content item. `undefined` when the item has none. */
export function tableOf(item: JsonDataSet): ReportTable | undefined {
  const [table] = itemsOf(item[TABULATED]);
  if (table === undefined) return undefined;
  const [rows, columns] = [numberIn(table, ROWS) ?? 0, numberIn(table, COLUMNS) ?? 0];
  const [shownRows, shownColumns] = [Math.min(rows, MAX_ROWS), Math.min(columns, MAX_COLUMNS)];
  const cells = cellsOf(table, shownRows, shownColumns);
  const rowNames = namesOf(table, ROW_DEFINITIONS, ROW, shownRows);
  const columnNames = namesOf(table, COLUMN_DEFINITIONS, COLUMN, shownColumns);
  const isCut = shownRows < rows || shownColumns < columns;
  return {
    size: `Table of ${rows} rows and ${columns} columns${isCut ? `. The first ${shownRows} rows and ${shownColumns} columns are shown.` : ''}`,
    columns: columnNames.some((name) => name !== '') ? columnNames : [],
    rows: cells.map((row, at) => ({ name: rowNames[at] ?? '', cells: row })),
  };
}

/** The cells row by row. A value outside of the shown rows and columns is left out. */
function cellsOf(table: JsonDataSet, rows: number, columns: number): readonly (readonly string[])[] {
  const cells = Array.from({ length: rows }, () => Array.from({ length: columns }, () => ''));
  const put = (row: number, column: number, text: string) => {
    const line = cells[row - 1];
    if (line !== undefined && column >= 1 && column <= columns) line[column - 1] = text;
  };
  for (const cell of itemsOf(table[CELLS])) {
    const [row, column] = [numberIn(cell, ROW), numberIn(cell, COLUMN)];
    if (row !== undefined && column !== undefined) put(row, column, valuesOf(cell, MAX_COLUMNS).join(', '));
    // An item without a row contains a whole column, and an item without a column a whole row (§C.18.10.1.2).
    else if (column !== undefined)
      valuesOf(cell, rows).forEach((text, at) => {
        put(at + 1, column, text);
      });
    else if (row !== undefined)
      valuesOf(cell, columns).forEach((text, at) => {
        put(row, at + 1, text);
      });
  }
  return cells;
}

/** The first values of a cell, of a row or of a column. */
function valuesOf(cell: JsonDataSet, most: number): readonly string[] {
  const codes = itemsOf(cell[CODES]).slice(0, most);
  if (codes.length > 0)
    return codes.map((code) => codeOf({ [CODES]: { vr: 'SQ', Value: [code] } }, CODES)?.meaning ?? '');
  const target = textsOf(cell, TARGET).join('.');
  if (target !== '') return [`see ${target}`];
  const tag = Object.keys(cell).find((one) => one >= FIRST_VALUE && one <= LAST_VALUE);
  return tag === undefined ? [] : formattedValues(cell, tag, most);
}

/** The names of rows or columns. A definition without a number applies to all of them. */
function namesOf(table: JsonDataSet, definitions: string, number: string, count: number): readonly string[] {
  const names = Array.from({ length: count }, () => '');
  for (const definition of itemsOf(table[definitions])) {
    const unit = unitSymbol(definition);
    const concept = codeOf(definition, CONCEPT)?.meaning ?? '';
    const name = unit === '' ? concept : `${concept} (${unit})`;
    const at = numberIn(definition, number);
    if (at === undefined) names.fill(name);
    else if (at >= 1 && at <= count) names[at - 1] = name;
  }
  return names;
}

function numberIn(dataSet: JsonDataSet, tag: string): number | undefined {
  const text = firstText(dataSet, tag);
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** The lines of a table as plain text. */
export function tableLines({ size, columns, rows }: ReportTable): readonly string[] {
  const hasNames = rows.some(({ name }) => name !== '');
  const line = (name: string, cells: readonly string[]) => (hasNames ? [name, ...cells] : cells).join(' | ');
  return [
    size,
    ...(columns.length === 0 ? [] : [line('', columns)]),
    ...rows.map(({ name, cells }) => line(name, cells)),
  ];
}
