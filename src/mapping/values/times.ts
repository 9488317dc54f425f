import { type DateFormat, readDate, type ReadDateOptions } from './dates.js';

/**
 * A point in time. `effective` is a FHIR dateTime. `identity` is the same for all texts of the same moment: a date, a time in UTC, or a
 * local time when the zone is unknown. `zoneless` is true when a time was left out of `effective`, because its zone is unknown.
 */
export interface MomentRead {
  readonly effective: string;
  readonly identity: string;
  readonly zoneless?: true;
  /** The local time, if its zone comes from the mapping. Before the mapping had a zone, it was the identity. */
  readonly local?: string;
  readonly pivoted?: true;
}
export type MomentReading = MomentRead | { readonly fault: 'date-invalid' | 'date-ambiguous' };

const TIMED =
  /^(?<day>\S.*?)(?:\s*[T,]\s*|\s+)(?<hour>\d{1,2})[:h](?<minute>\d{2})(?::(?<second>\d{2})(?:[.,]\d+)?)?\s*(?<half>[ap]\.?m\.?)?\s*(?<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$/iu;
/** The time stamp of HL7 v2 (`yyyyMMddHHmmss±ZZZZ`). */
const HL7 = /^(?<day>\d{8})(?<hour>\d{2})(?<minute>\d{2})(?<second>\d{2})?(?:\.\d+)?(?<zone>[+-]\d{4})?$/u;

/**
 * Reads a date, or a date with a time. `formats` are the formats of the date. `zone` is the IANA time zone of the list; a zone in the text
 * has precedence. A time without any zone, and a time that the zone does not have exactly once, are left out, because FHIR allows no time
 * without a zone. The time 00:00 without a zone means a date, because spreadsheets append it.
 */
export function readMoment(
  text: string,
  formats: readonly DateFormat[],
  zone: string | undefined,
  options: ReadDateOptions = {},
): MomentReading {
  const trimmed = text.trim();
  // Most dates have no time, and the pattern of a time is slow to fail.
  const timed = /\d[:h]\d/iu.test(trimmed) ? TIMED.exec(trimmed) : null;
  const parts = (timed ?? (formats.includes('yyyyMMdd') ? HL7.exec(trimmed) : null))?.groups;
  const day = readDate(parts?.['day'] ?? trimmed, formats, options);
  if (!('date' in day)) return day;
  const pivoted = day.pivoted === true ? { pivoted: true as const } : {};
  if (parts === undefined) return { effective: day.date, identity: day.date, ...pivoted };
  const time = clockOf(parts);
  if (time === undefined || day.date.length !== 10) return { fault: 'date-invalid' };
  const written = parts['zone'] === undefined ? undefined : offsetOf(parts['zone']);
  if (written === undefined && time === '00:00:00')
    return { effective: day.date, identity: day.date, ...pivoted };
  const local = `${day.date}T${time}`;
  const offset = written ?? (zone === undefined ? undefined : zoneOffset(local, zone));
  if (offset === undefined) return { effective: day.date, identity: local, zoneless: true, ...pivoted };
  const effective = `${local}${offset}`;
  return {
    effective,
    identity: new Date(effective).toISOString(),
    ...(written === undefined ? { local } : {}),
    ...pivoted,
  };
}

function clockOf(parts: Readonly<Record<string, string | undefined>>): string | undefined {
  const half = parts['half']?.charAt(0).toLowerCase();
  let hour = Number(parts['hour']);
  const [minute, second] = [Number(parts['minute']), Number(parts['second'] ?? 0)];
  if (half !== undefined && (hour < 1 || hour > 12)) return undefined;
  if (half !== undefined) hour = (hour % 12) + (half === 'p' ? 12 : 0);
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  return [hour, minute, second].map((part) => String(part).padStart(2, '0')).join(':');
}

/** The offset of a written zone, for example `-03:00`. The value is undefined when the offset does not exist. */
function offsetOf(zone: string): string | undefined {
  if (/^[A-Z]/iu.test(zone)) return 'Z';
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0');
  const [hours, minutes] = [digits.slice(0, 2), digits.slice(2)];
  if (Number(hours) > 14 || Number(minutes) > 59) return undefined;
  return `${zone.charAt(0)}${hours}:${minutes}`;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

/** Whether a text is an IANA time zone, for example `America/Sao_Paulo`. */
export function isTimeZone(zone: string): boolean {
  try {
    formatterOf(zone);
    return zone.includes('/') || zone === 'UTC';
  } catch {
    return false;
  }
}

function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  formatters.set(zone, made);
  return made;
}

/** The offset of a zone at a local time. The value is undefined when the clock shows this time twice or never (clock change). */
function zoneOffset(local: string, zone: string): string | undefined {
  const guess = Date.parse(`${local}Z`);
  const offsets = new Set([-1, 0, 1].map((days) => offsetAt(new Date(guess + days * 86_400_000), zone)));
  const fitting = [...offsets].filter(
    (offset) => offsetAt(new Date(Date.parse(`${local}${offset}`)), zone) === offset,
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}

function offsetAt(moment: Date, zone: string): string {
  const name = formatterOf(zone)
    .formatToParts(moment)
    .find(({ type }) => type === 'timeZoneName')?.value;
  // The form is `GMT-03:00`, or `GMT` for UTC. Historic zones can have seconds, which FHIR does not allow.
  return /[+-]\d{2}:\d{2}/u.exec(name ?? '')?.[0] ?? 'Z';
}
