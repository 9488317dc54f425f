const GROUPS = 3;

/** Returns a person name (PN, PS3.5 §6.2.1) as people write it: `Müller, Anna Maria`. An ideographic form follows in brackets. */
export function readableName(name: string): string {
  const [alphabetic = '', ideographic = ''] = name.split('=', GROUPS).map(oneForm);
  if (alphabetic === '') return ideographic;
  return ideographic === '' ? alphabetic : `${alphabetic} (${ideographic})`;
}

function oneForm(group: string): string {
  const [family = '', given = '', middle = '', prefix = '', suffix = ''] = group
    .split('^')
    .map((part) => part.trim());
  const others = [prefix, given, middle, suffix].filter((part) => part !== '').join(' ');
  return [family, others].filter((part) => part !== '').join(', ');
}

/** Returns a day (YYYY-MM-DD) as the language writes it. */
export function readableDay(day: string, language: string): string {
  if (!/^\d{4}-\d\d-\d\d$/.test(day)) return day;
  const date = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(date.getTime())) return day;
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeZone: 'UTC' }).format(date);
}

/** Returns a moment (ISO 8601) as the language writes it, in the time zone of the browser. */
export function readableMoment(moment: string, language: string): string {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return moment;
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(date);
}

export function readableNumber(value: number, language: string): string {
  return new Intl.NumberFormat(language).format(value);
}

/** Returns a number from 0 to 100 as whole percent, as the language writes it. */
export function readablePercent(value: number, language: string): string {
  return new Intl.NumberFormat(language, { style: 'percent' }).format(value / 100);
}

const UNITS = ['kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** Returns a number of bytes with the unit that suits it, as the locale writes it: `1.5 GB`. */
export function readableBytes(bytes: number, locale: string): string {
  const thousands = Math.floor(Math.log10(Math.max(bytes, 1)) / 3);
  const step = Math.min(Math.max(thousands, 1), UNITS.length);
  const value = bytes / 1000 ** step;
  const digits = value < 10 ? 1 : 0;
  const style = { style: 'unit', unit: UNITS[step - 1] ?? 'kilobyte', unitDisplay: 'short' } as const;
  return new Intl.NumberFormat(locale, { ...style, maximumFractionDigits: digits }).format(value);
}

/** Returns the day that is this number of days before today, as YYYY-MM-DD. */
export function daysAgo(days: number, now: Date): string {
  const day = new Date(now);
  day.setDate(day.getDate() - days);
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
