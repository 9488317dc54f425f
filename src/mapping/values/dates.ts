/** The date formats that a mapping may use. */
export const DATE_FORMATS = [
  'yyyy-MM-dd',
  'dd/MM/yyyy',
  'MM/dd/yyyy',
  'dd-MM-yyyy',
  'MM-dd-yyyy',
  'dd.MM.yyyy',
  'yyyy/MM/dd',
  'yyyyMMdd',
  'yyyy-MM',
  'yyyy',
  'dd/MM/yy',
  'MM/dd/yy',
  'dd-MM-yy',
  'MM-dd-yy',
  'dd.MM.yy',
] as const;
export type DateFormat = (typeof DATE_FORMATS)[number];

/** Whether a format has a year of two digits. */
export const isShortYear = (format: DateFormat): boolean => !format.includes('yyyy');

/**
 * The result of reading a date: a FHIR date (`yyyy`, `yyyy-MM` or `yyyy-MM-dd`), or an issue code. `pivoted` is true when the century comes
 * from the pivot.
 */
export type DateReading =
  { readonly date: string; readonly pivoted?: true } | { readonly fault: 'date-invalid' | 'date-ambiguous' };

export interface ReadDateOptions {
  /** The last year of two digits that belongs to the 21st century. Without it, years of two digits are invalid. */
  readonly pivot?: number | undefined;
}

const PATTERNS: Readonly<Record<string, string>> = {
  yyyy: '(?<year>\\d{4})',
  yy: '(?<short>\\d{2})',
  MM: '(?<month>\\d{1,2})',
  dd: '(?<day>\\d{1,2})',
};
const READERS = new Map(
  DATE_FORMATS.map((format) => [
    format,
    // `yyyyMMdd` has no separators, so its parts have a fixed width. Some exports append the time 00:00.
    new RegExp(
      `^${format
        .replaceAll('.', '\\.')
        .replace(/yyyy|yy|MM|dd/gu, (part) => PATTERNS[part] ?? part)
        .replaceAll('{1,2}', format === 'yyyyMMdd' ? '{2}' : '{1,2}')}(?:[ T]00:00(?::00(?:\\.0+)?)?)?$`,
      'u',
    ),
  ]),
);

/**
 * Reads a date in the formats of a column. The formats decide whether 03/04/1980 is in March or in April. A date is ambiguous if two
 * formats of the column give different days. Days that do not exist are invalid.
 */
export function readDate(
  text: string,
  formats: readonly DateFormat[],
  { pivot }: ReadDateOptions = {},
): DateReading {
  const trimmed = text.trim();
  const readings = new Map(
    formats.flatMap((format): [string, boolean][] => {
      const date = readAs(trimmed, format, pivot);
      return date === undefined ? [] : [[date, isShortYear(format)]];
    }),
  );
  if (readings.size > 1) return { fault: 'date-ambiguous' };
  const [found] = readings;
  if (found === undefined) return { fault: 'date-invalid' };
  const [date, pivoted] = found;
  return pivoted ? { date, pivoted } : { date };
}

function readAs(text: string, format: DateFormat, pivot: number | undefined): string | undefined {
  const parts = READERS.get(format)?.exec(text)?.groups;
  const short = parts?.['short'];
  if (short !== undefined && pivot === undefined) return undefined;
  const year = short === undefined ? parts?.['year'] : `${Number(short) <= (pivot ?? 0) ? 20 : 19}${short}`;
  if (year === undefined || Number(year) < 1800) return undefined;
  const month = parts?.['month']?.padStart(2, '0');
  if (month === undefined) return year;
  if (Number(month) < 1 || Number(month) > 12) return undefined;
  const day = parts?.['day']?.padStart(2, '0');
  if (day === undefined) return `${year}-${month}`;
  const last = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  if (Number(day) < 1 || Number(day) > last) return undefined;
  return `${year}-${month}-${day}`;
}

/** Whether a date is later than a day (`yyyy-MM-dd`). If the date has no day or month, only its other parts are compared. */
export const isAfter = (date: string, day: string): boolean => date > day.slice(0, date.length);

/** The day that was asked last, with the day after it. All rows of a list ask for the same day. */
let last = { day: '', next: '' };

/** The day after a day (`yyyy-MM-dd`). */
export function dayAfter(day: string): string {
  if (last.day !== day)
    last = { day, next: new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10) };
  return last.next;
}

/** Full years between two dates. A missing month counts as January, and a missing day as the first day of the month. */
export function yearsBetween(from: string, to: string): number {
  const [fromYear, toYear] = [Number(from.slice(0, 4)), Number(to.slice(0, 4))];
  const early = to.slice(4).padEnd(6, '-01') < from.slice(4).padEnd(6, '-01');
  return toYear - fromYear - (early ? 1 : 0);
}
