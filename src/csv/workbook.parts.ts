import { type CellFormat, cellFormat } from './cell.values.js';
import { LIMITS } from './csv.limits.js';
import { FileRefused } from './csv.refusal.js';
import { xmlReader } from './xml.events.js';
import { type EntryReader, readZip } from './zip.entries.js';

/** The parts of an XLSX workbook (ECMA-376) that are needed to read a sheet. */
export interface Workbook {
  /** The sheets in order, with the entry of each sheet in the ZIP file. */
  readonly sheets: readonly { readonly name: string; readonly entry: string; readonly isHidden: boolean }[];
  readonly strings: readonly string[];
  readonly formats: readonly CellFormat[];
  /** Whether dates are counted from 1904. */
  readonly is1904: boolean;
}

/** Reads the parts of a workbook. Throws `FileRefused` if the ZIP file is no workbook or its texts are too large. */
export async function readWorkbook(source: AsyncIterable<Buffer>): Promise<Workbook> {
  const sheets: { name: string; id: string; isHidden: boolean }[] = [];
  const targets = new Map<string, string>();
  const strings: string[] = [];
  const codes = new Map<number, string>();
  const formatIds: number[] = [];
  let is1904 = false;
  const readers = new Map<string, EntryReader>([
    [
      'xl/workbook.xml',
      elements((name, at) => {
        if (name === 'workbookPr') is1904 = at['date1904'] === '1' || at['date1904'] === 'true';
        if (name !== 'sheet') return;
        const isHidden = at['state'] === 'hidden' || at['state'] === 'veryHidden';
        sheets.push({ name: at['name'] ?? '', id: at['r:id'] ?? '', isHidden });
      }),
    ],
    [
      'xl/_rels/workbook.xml.rels',
      elements((name, at) => {
        if (name === 'Relationship') targets.set(at['Id'] ?? '', at['Target'] ?? '');
      }),
    ],
    ['xl/sharedStrings.xml', stringReader(strings)],
    ['xl/styles.xml', styleReader(codes, formatIds)],
  ]);
  let entries = 0;
  for await (const _ of readZip(source, (name) => {
    entries += 1;
    return readers.get(name);
  }));
  if (sheets.length === 0) throw new FileRefused(entries === 0 ? 'file-spreadsheet' : 'file-archive');
  return {
    sheets: sheets.map(({ name, id, isHidden }) => ({
      name,
      isHidden,
      entry: entryOf(targets.get(id) ?? ''),
    })),
    strings,
    formats: formatIds.map((id) => cellFormat(id, codes.get(id))),
    is1904,
  };
}

const entryOf = (target: string): string => (target.startsWith('/') ? target.slice(1) : `xl/${target}`);

const elements = (open: (name: string, attributes: Readonly<Record<string, string>>) => void): EntryReader =>
  xmlReader({ open, text: () => undefined, close: () => undefined });

function stringReader(strings: string[]): EntryReader {
  let text = '';
  let total = 0;
  let isText = false;
  let isPhonetic = false;
  return xmlReader({
    open: (name) => {
      if (name === 'si') text = '';
      if (name === 'rPh') isPhonetic = true;
      isText = name === 't' && !isPhonetic;
    },
    text: (part) => {
      if (!isText) return;
      text += part;
      total += part.length;
      if (total > LIMITS.sharedText) throw new FileRefused('file-spreadsheet-large');
    },
    close: (name) => {
      if (name === 'rPh') isPhonetic = false;
      if (name === 'si') strings.push(text);
      if (strings.length > LIMITS.sharedStrings) throw new FileRefused('file-spreadsheet-large');
      isText = false;
    },
  });
}

function styleReader(codes: Map<number, string>, formatIds: number[]): EntryReader {
  let isCell = false;
  return xmlReader({
    open: (name, at) => {
      if (name === 'numFmt') codes.set(Number(at['numFmtId']), at['formatCode'] ?? '');
      if (name === 'cellXfs') isCell = true;
      if (name === 'xf' && isCell) formatIds.push(Number(at['numFmtId'] ?? 0));
    },
    text: () => undefined,
    close: (name) => {
      if (name === 'cellXfs') isCell = false;
    },
  });
}
