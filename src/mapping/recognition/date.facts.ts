import { DATE_FORMATS, type DateFormat, isShortYear, readDate } from '../values/dates.js';

/** What a date says about the formats of its column. */
export interface DateFacts {
  /** The formats in which the text is a date. */
  readonly formats: readonly DateFormat[];
  /** Whether the first or the second part is above 12, so it can only be a day. */
  readonly over?: 'first' | 'second';
  /** Whether the text has a time other than midnight, and whether the time has a zone. */
  readonly time?: 'local' | 'zoned';
  /** The year of four digits. */
  readonly year?: number;
}

/** A year of two digits is read with this pivot only to find out whether the day exists. */
const ANY_PIVOT = 29;
const TIMED =
  /^(\S.*?)(?:\s*[T,]\s*|\s+)(\d{1,2}[:h]\d{2}(?::\d{2}(?:[.,]\d+)?)?)\s*(?:[ap]\.?m\.?)?\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$/iu;
const HL7 = /^(\d{8})(\d{4}(?:\d{2})?)(?:\.\d+)?([+-]\d{4})?$/u;
const DAY = /^(?:\d{1,4}([-/.])\d{1,2}\1\d{1,4}|\d{8})$/u;

/** The facts about a date. The value is undefined for another text. A plain year or month is no date here, because a number looks alike. */
export function dateFactsOf(text: string): DateFacts | undefined {
  const timed = DAY.test(text) ? null : (TIMED.exec(text) ?? HL7.exec(text));
  const day = timed?.[1] ?? text;
  if (!DAY.test(day)) return undefined;
  const formats = DATE_FORMATS.filter(
    (format) =>
      !['yyyy', 'yyyy-MM'].includes(format) && 'date' in readDate(day, [format], { pivot: ANY_PIVOT }),
  );
  if (formats.length === 0) return undefined;
  const [first = 0, second = 0] = day.split(/[-/.]/u).map(Number);
  const isYearFirst = /^\d{4}/u.test(day);
  const year = /\d{4}/u.exec(day)?.[0];
  const clock = timed?.[2]?.replace(/\D/gu, '') ?? '';
  return {
    formats,
    ...(!isYearFirst && first > 12 ? { over: 'first' as const } : {}),
    ...(!isYearFirst && second > 12 ? { over: 'second' as const } : {}),
    ...(/[1-9]/u.test(clock) || timed?.[3] !== undefined
      ? { time: timed?.[3] === undefined ? ('local' as const) : ('zoned' as const) }
      : {}),
    ...(year === undefined || formats.every(isShortYear) ? {} : { year: Number(year) }),
  };
}
