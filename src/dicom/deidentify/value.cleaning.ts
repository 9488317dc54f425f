import { trimSpacesAndNul } from '../padding.js';
import { CODED_TERMS } from './coded.terms.js';

/** The value of each VR that replaces a value which must not be empty (PS3.15 §E.1.1, action D). */
const REPLACEMENTS: ReadonlyMap<string, string> = new Map([
  ['DA', '19000101'],
  ['DT', '19000101000000'],
  ['TM', '000000'],
  ['AS', '000D'],
  ['DS', '0'],
  ['IS', '0'],
  ['UR', 'urn:removed'],
  ...['AE', 'CS', 'LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT'].map((vr) => [vr, 'REMOVED'] as const),
]);
const DECIMAL = /^[+-]?(?:\d{1,16}|\d{0,15}\.\d{1,15}|\d{1,15}\.)(?:[Ee][+-]?\d{1,3})?$/;
const INTEGER = /^[+-]?\d{1,11}$/;
const AGE = /^\d{3}[DWMY]$/;
const DATE = /^(\d{4})(\d{2})(\d{2})$/;
const DATE_TIME = /^(\d{8})(\d{0,6}(?:\.\d{1,6})?)([+-]\d{4})?$/;
const TIME = /^(?:[01]\d|2[0-3])(?:[0-5]\d(?:[0-5]\d(?:\.\d{1,6})?)?)?$/;
const DAY_MILLISECONDS = 86_400_000;
/** Words of descriptions that are not terms of PS3.3. */
const DESCRIPTIVE =
  'ACQUISITION ANGIO ARTERIAL ASCENDING AVERAGE AX BEFORE BONE BOLUS CONTRAST COR CORONARY CTA DELAYED DESCENDING DWI EARLY FAST FLAIR FRAME FS GRE ' +
  'HEAD HIGH IMAGE IMAGES LATE LATERAL LEFT LOW LUNG MAP MIP MOTION MRA NATIVE OBL PHASE PLAIN POST PRE PROTON RAPID RIGHT ROUTINE SAG SCAN SCOUT SERIES ' +
  'SOFT SPIRAL STANDARD STIR STUDY SWI T1 T1W T2 T2W THICK THIN THORAX TISSUE TOF TSE VENOUS WITH WITHOUT';

const terms = new Set(CODED_TERMS.trim().split(/,\s*/).filter(Boolean));
const words = new Set([...[...terms].flatMap((term) => term.split(/[ _/]/)), ...DESCRIPTIVE.split(' ')]);

/** The replacement for a value of this VR. Empty when a value of this VR is not replaced. */
export function replacementFor(vr: string): string {
  return REPLACEMENTS.get(vr) ?? '';
}

/** Whether one value of CS, DS, IS or AS can identify nobody: a term of PS3.3, a number or an age below 90 years. */
export function isHarmless(vr: string, value: string): boolean {
  if (vr === 'CS') return terms.has(value);
  if (vr === 'DS') return value.length <= 16 && DECIMAL.test(value);
  if (vr === 'IS') return INTEGER.test(value) && Math.abs(Number(value)) < 2 ** 31;
  return AGE.test(value) && !(value.endsWith('Y') && value > '089Y');
}

/** Replaces each value of a text that is not harmless by an empty value. Backslashes separate the values (PS3.5 §6.4). */
export function harmlessValues(vr: string, text: string): string {
  return eachValue(text, (value) => (isHarmless(vr, value) ? value : ''));
}

/** Moves a value of DA or DT by a number of days. A time of day (TM) stays. A value that is no date or time becomes empty (PS3.5 §6.2). */
export function movedValues(vr: string, text: string, days: number): string {
  return eachValue(text, (value) => {
    if (vr === 'TM') return TIME.test(value) ? value : '';
    if (vr === 'DA') return movedDate(value, days);
    const [, date = '', time = '', zone = ''] = DATE_TIME.exec(value) ?? [];
    const moved = movedDate(date, days);
    return moved === '' || (time !== '' && !TIME.test(time)) ? '' : `${moved}${time}${zone}`;
  });
}

/** The words of a description that are in a fixed list, and numbers of at most three digits. All other words are left out. */
export function knownWords(text: string): string {
  const kept = text
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => /^\d{1,3}$/.test(word) || words.has(word.toUpperCase()));
  return kept.join(' ');
}

/** Whether binary numbers hide a text of 12 or more characters. The chance that real numbers look like this is about 1 in 100,000. */
export function holdsText(value: Buffer): boolean {
  return /[ -~]{12}/.test(value.toString('latin1'));
}

/** Applies a function to each value of a text. */
export function eachValue(text: string, clean: (value: string) => string): string {
  return text
    .split('\\')
    .map((value) => clean(trimSpacesAndNul(value)))
    .join('\\');
}

function movedDate(text: string, days: number): string {
  const [, year, month, day] = (DATE.exec(text) ?? []).map(Number);
  if (year === undefined || month === undefined || day === undefined) return '';
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return '';
  const moved = new Date(date.getTime() + days * DAY_MILLISECONDS);
  if (moved.getUTCFullYear() < 1 || moved.getUTCFullYear() > 9999) return '';
  return moved.toISOString().slice(0, 10).replaceAll('-', '');
}
