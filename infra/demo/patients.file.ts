import iconv from 'iconv-lite';
import { COLUMNS, patientRows } from './patients.list.ts';

/** The encoding, delimiter and line ends of a list file. */
export interface FileForm {
  encoding: 'iso-8859-1' | 'windows-1252' | 'utf-8' | 'utf-16le' | 'utf-16be' | 'macintosh' | 'cp850';
  delimiter: ',' | ';' | '\t' | '|';
  newline: '\n' | '\r\n' | '\r';
  byteOrderMark?: boolean;
  sepLine?: boolean;
}

/** The format of the original list file. */
export const CIRCULATING: FileForm = { encoding: 'iso-8859-1', delimiter: ',', newline: '\n' };

/** Further file formats of the same list, by name. Spreadsheets and other systems write such files. */
export const FORMS: Readonly<Record<string, FileForm>> = {
  'ISO-8859-1, comma, LF': CIRCULATING,
  'windows-1252, semicolon, CRLF (Excel in Brazil)': {
    encoding: 'windows-1252',
    delimiter: ';',
    newline: '\r\n',
  },
  'UTF-8 without mark': { encoding: 'utf-8', delimiter: ',', newline: '\n' },
  'UTF-8 with mark, sep= line': {
    encoding: 'utf-8',
    delimiter: ';',
    newline: '\r\n',
    byteOrderMark: true,
    sepLine: true,
  },
  'UTF-16 with mark, tabs (Excel “Unicode text”)': {
    encoding: 'utf-16le',
    delimiter: '\t',
    newline: '\r\n',
    byteOrderMark: true,
  },
  'UTF-16 big end first, without mark': { encoding: 'utf-16be', delimiter: ';', newline: '\n' },
  'MacRoman, semicolon, CR': { encoding: 'macintosh', delimiter: ';', newline: '\r' },
  'code page 850, pipes': { encoding: 'cp850', delimiter: '|', newline: '\r\n' },
};

/** Returns the sample list as the bytes of a file in the given format. */
export function patientFile(form: FileForm = CIRCULATING): Buffer {
  const rows = patientRows().map((row) => [
    row.name,
    row.cpf,
    row.gender,
    row.birthDate,
    row.phone,
    row.country,
    row.note,
  ]);
  return encodeList([COLUMNS, ...rows], form);
}

/** Returns `rows` as the bytes of a file in the given format. */
export function encodeList(rows: readonly (readonly string[])[], form: FileForm): Buffer {
  const lines = rows.map((cells) => cells.map((cell) => quoted(cell, form.delimiter)).join(form.delimiter));
  const sep = form.sepLine === true ? [`sep=${form.delimiter}`] : [];
  const text = [...sep, ...lines, ''].join(form.newline);
  return iconv.encode(text, form.encoding, { addBOM: form.byteOrderMark ?? false });
}

const quoted = (cell: string, delimiter: string) =>
  cell.includes(delimiter) || /["\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
