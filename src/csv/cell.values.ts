/** The kind of a number format: a date, a number with leading zeros (`digits`), or another format. */
export type CellFormat = 'date' | 'other' | { readonly digits: number };

const DAY = 86_400_000;
/** The first number with more digits than a spreadsheet program keeps. */
const ROUNDED = 1e15;

/** The kind of a number format (ECMA-376 part 1, §18.8.30). `code` is the format code of a format that the workbook defines. */
export function cellFormat(id: number, code: string | undefined): CellFormat {
  if (code === undefined) {
    const isDate =
      (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) || (id >= 50 && id <= 58);
    return isDate ? 'date' : 'other';
  }
  if (/^0+$/u.test(code)) return { digits: code.length };
  const signs = code.replace(/"[^"]*"|\\.|\[[^\]]*\]|_.|\*./gu, '');
  return /[dmyhs]/iu.test(signs) && !/general|standard/iu.test(signs) ? 'date' : 'other';
}

/**
 * The text of a number cell: a date as `yyyy-MM-dd`, with the time if there is one, and a number with the leading zeros of its format. A
 * number that the spreadsheet program rounded keeps its exponent, so that it is never taken for an identifier.
 */
export function numberText(raw: string, format: CellFormat, is1904: boolean): string {
  const number = Number(raw);
  if (raw.trim() === '' || !Number.isFinite(number)) return raw;
  if (format === 'date') return dateText(number, is1904);
  if (Math.abs(number) >= ROUNDED) return number.toExponential().toUpperCase();
  const text = String(number);
  return format !== 'other' && Number.isInteger(number) && number >= 0
    ? text.padStart(format.digits, '0')
    : text;
}

function dateText(serial: number, is1904: boolean): string {
  const seconds = Math.round((serial % 1) * 86_400) * 1_000;
  // Day 60 of the 1900 system is 29 February 1900, which did not exist.
  const days = Math.floor(serial) + (is1904 ? 1_462 : serial < 60 ? 1 : 0);
  const date = new Date(Date.UTC(1899, 11, 30) + days * DAY + seconds);
  if (serial < 0 || Number.isNaN(date.getTime())) return String(serial);
  const [day = '', time = ''] = date.toISOString().slice(0, 19).split('T');
  if (serial < 1) return time;
  return seconds === 0 ? day : `${day}T${time}`;
}
