import { numberText } from './cell.values.js';
import { LIMITS } from './csv.limits.js';
import { FileRefused } from './csv.refusal.js';
import { chosenSheet, type SheetChoice } from './sheet.choice.js';
import { SheetRows } from './sheet.rows.js';
import { type XmlHandlers, xmlReader } from './xml.events.js';
import { type EntryReader, readZip } from './zip.entries.js';

const CONTENT = 'content.xml';
const MANIFEST = 'META-INF/manifest.xml';
const DATE = /^-?\d{4,5}-\d\d-\d\d(?:T\d\d:\d\d:\d\d)?/u;
/** Elements inside a cell whose text is not the text of the cell: comments, drawings, nested tables, and the pronunciation of a word. */
const ASIDE = new Set([
  'annotation',
  'shapes',
  'frame',
  'custom-shape',
  'g',
  'control',
  'table',
  'ruby-text',
]);

interface Table {
  readonly name: string;
  readonly style: string;
  readonly at: number;
}

/**
 * The rows of a sheet of an ODS workbook (OpenDocument 1.3 part 3, §9) as CSV lines in UTF-8, as `sheetLines` reads XLSX. Each call of `open`
 * reads the file from its start. Throws `FileRefused` for a damaged or encrypted workbook.
 */
export async function* openDocumentLines(
  open: () => AsyncIterable<Buffer>,
  choice: SheetChoice,
): AsyncGenerator<Buffer> {
  const chosen = chosenSheet(await readTables(open()), choice);
  const rows = new SheetRows();
  const reader = tableReader(chosen?.at ?? 0, rows);
  for await (const _ of readZip(open(), (name) => (name === CONTENT ? reader : undefined))) {
    const lines = rows.take();
    if (lines !== undefined) yield lines;
  }
}

/** The sheets in their order. The manifest, which says whether the workbook is encrypted, can be the last entry. */
async function readTables(source: AsyncIterable<Buffer>) {
  const tables: Table[] = [];
  const hidden = new Set<string>();
  let style = '';
  let depth = 0;
  let isEncrypted = false;
  let fault: unknown;
  const content = xmlReader({
    open: (name, at) => {
      if (name === 'style') style = at['style:name'] ?? '';
      if (name === 'table-properties' && at['table:display'] === 'false') hidden.add(style);
      if (name !== 'table') return;
      if (depth === 0)
        tables.push({ name: at['table:name'] ?? '', style: at['table:style-name'] ?? '', at: tables.length });
      depth += 1;
    },
    text: () => undefined,
    close: (name) => {
      if (name === 'table') depth -= 1;
    },
  });
  const manifest = xmlReader({
    open: (name) => {
      if (name === 'encryption-data') isEncrypted = true;
    },
    text: () => undefined,
    close: () => undefined,
  });
  // The content of an encrypted workbook is not XML.
  const tolerant: EntryReader = (bytes, isLast) => {
    if (fault !== undefined) return;
    try {
      content(bytes, isLast);
    } catch (error) {
      fault = error;
    }
  };
  const readers = new Map([
    [CONTENT, tolerant],
    [MANIFEST, manifest],
  ]);
  for await (const _ of readZip(source, (name) => readers.get(name)));
  if (isEncrypted) throw new FileRefused('file-encrypted');
  if (fault !== undefined) throw fault;
  if (tables.length === 0) throw new FileRefused('file-spreadsheet');
  // A table without a name is a copy of linked data.
  return tables.map(({ name, style: of, at }) => ({ name, at, isHidden: hidden.has(of) || name === '' }));
}

/** Reads the table at this position among the tables of the workbook. */
function tableReader(chosen: number, rows: SheetRows): EntryReader {
  let table = -1;
  let tables = 0;
  let aside = 0;
  let row = 1;
  let rowTimes = 1;
  let place = 0;
  let cell: Cell | undefined;
  const isChosen = () => table === chosen && tables === 1;
  const handlers: XmlHandlers = {
    open: (name, at) => {
      if (cell !== undefined) {
        if (aside > 0 || ASIDE.has(name)) aside += 1;
        else cell.open(name, at);
        return;
      }
      if (name === 'table') {
        tables += 1;
        if (tables === 1) table += 1;
      }
      if (!isChosen()) return;
      if (name === 'table-row') {
        rowTimes = timesOf(at['table:number-rows-repeated']);
        place = 0;
      } else if (name === 'table-cell' || name === 'covered-table-cell')
        cell = new Cell(at, name === 'covered-table-cell');
    },
    text: (text) => {
      if (aside === 0) cell?.text(text.replace(/[ \t\r\n]+/gu, ' '));
    },
    close: (name) => {
      if (aside > 0) aside -= 1;
      else if (cell !== undefined && (name === 'table-cell' || name === 'covered-table-cell')) {
        const text = cell.value();
        // Empty cells are often repeated to the last column.
        if (text !== '') for (let at = 0; at < cell.times; at += 1) rows.set(place + at, text);
        place += cell.times;
        cell = undefined;
      } else if (cell !== undefined) cell.close(name);
      else if (name === 'table') tables -= 1;
      else if (name === 'table-row' && isChosen()) {
        rows.end(row, rowTimes);
        row += rowTimes;
      }
    },
  };
  const read = xmlReader(handlers);
  return (bytes, isLast) => {
    rows.count(bytes.length);
    read(bytes, isLast);
  };
}

/** The text of a cell while it is read. */
class Cell {
  readonly times: number;
  private shown: string | undefined;
  private depth = 0;

  constructor(
    private readonly attributes: Readonly<Record<string, string>>,
    /** Whether another cell that was merged covers this cell. */
    private readonly isCovered: boolean,
  ) {
    this.times = timesOf(attributes['table:number-columns-repeated']);
  }

  open(name: string, at: Readonly<Record<string, string>>): void {
    if (name === 'p' || name === 'h') {
      this.shown = this.shown === undefined ? '' : `${this.shown}\n`;
      this.depth += 1;
    } else if (name === 's') this.text(' '.repeat(Math.min(timesOf(at['text:c']), 1_000)));
    else if (name === 'tab') this.text('\t');
    else if (name === 'line-break') this.text('\n');
  }

  text(text: string): void {
    // A longer text makes the record a rejected row anyway.
    if (this.depth > 0 && (this.shown ?? '').length <= 2 * LIMITS.record)
      this.shown = `${this.shown ?? ''}${text}`;
  }

  close(name: string): void {
    if (name === 'p' || name === 'h') this.depth -= 1;
  }

  value(): string {
    if (this.isCovered) return '';
    const at = this.attributes;
    const shown = this.shown ?? '';
    if (at['calcext:value-type'] === 'error') return `=${shown}`;
    const number = at['office:value'];
    const type = at['office:value-type'];
    if (type === 'float' || type === 'percentage' || type === 'currency')
      // The shown text has the leading zeros of the format.
      return /^0\d+$/u.test(shown) && Number(shown) === Number(number)
        ? shown
        : numberText(number ?? '', 'other', false);
    if (type === 'date')
      return DATE.exec(at['office:date-value'] ?? '')?.[0].replace(/T00:00:00$/u, '') ?? shown;
    if (type === 'time') return timeText(at['office:time-value'] ?? '') ?? shown;
    if (type === 'boolean') return at['office:boolean-value'] === 'true' ? 'TRUE' : 'FALSE';
    const text = this.shown ?? at['office:string-value'] ?? '';
    // A formula without a stored value would be lost. As a formula, it is reported.
    return text === '' && at['table:formula'] !== undefined ? '=' : text;
  }
}

/** The number of equal cells or rows. */
function timesOf(text: string | undefined): number {
  if (text === undefined) return 1;
  if (!/^[1-9]\d{0,9}$/u.test(text)) throw new FileRefused('file-spreadsheet');
  return Number(text);
}

/** The time `HH:mm:ss` of a duration `PT12H30M00S` of less than a day. */
function timeText(duration: string): string | undefined {
  const [, hours = '', minutes = '', seconds = ''] =
    /^PT(\d{1,2})H(\d{1,2})M(\d{1,2})(?:\.\d+)?S$/u.exec(duration) ?? [];
  if (hours === '' || Number(hours) > 23) return undefined;
  return [hours, minutes, seconds].map((part) => part.padStart(2, '0')).join(':');
}
