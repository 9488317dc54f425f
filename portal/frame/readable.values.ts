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

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
const STEP = 1000;

/** Returns a number of bytes with the unit that suits it: `1.5 GB`. */
export function readableBytes(bytes: number): string {
  const power = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log(bytes) / Math.log(STEP)));
  const value = bytes / STEP ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[power] ?? ''}`;
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
