import { itemsOf, type JsonDataSet } from '../json/dicom.json.js';

/** The largest number of values of one attribute that a report shows. The number of further values is shown instead of them. */
const MAX_LISTED = 64;

/**
 * The first texts of an attribute, at most {@link MAX_LISTED}. Dates, times and names are formatted for people. Empty values are left out.
 */
export function textsOf(dataSet: JsonDataSet, tag: string): readonly string[] {
  const { vr = '', Value = [] } = dataSet[tag] ?? {};
  return Value.slice(0, MAX_LISTED)
    .map((value) => formatted(vr, value))
    .filter((text) => text !== '');
}

/** The first values of an attribute as texts, each at its position. A value that cannot be shown is an empty text. */
export function formattedValues(dataSet: JsonDataSet, tag: string, most: number): readonly string[] {
  const { vr = '', Value = [] } = dataSet[tag] ?? {};
  return Value.slice(0, most).map((value) => formatted(vr, value));
}

/** The first text of an attribute. Empty when the attribute is absent. */
export function firstText(dataSet: JsonDataSet, tag: string): string {
  return textsOf(dataSet, tag)[0] ?? '';
}

/** The texts of an attribute as one list. A long list ends with the number of values that are left out. */
export function valueList(dataSet: JsonDataSet, tag: string): string {
  const shown = textsOf(dataSet, tag).join(', ');
  const left = (dataSet[tag]?.Value?.length ?? 0) - MAX_LISTED;
  return left > 0 ? `${shown} and ${left} more` : shown;
}

/** A coded entry (PS3.3 §8.8): its meaning, and its code with the coding scheme. */
export interface CodedEntry {
  readonly meaning: string;
  readonly code: string;
}

const CODE_VALUES = ['00080100', '00080119', '00080120'];
const SCHEME = '00080102';
const MEANING = '00080104';

/** The first coded entry of a code sequence. The meaning is the code if the file has no meaning. `undefined` when there is no entry. */
export function codeOf(dataSet: JsonDataSet, tag: string): CodedEntry | undefined {
  const [entry] = itemsOf(dataSet[tag]);
  if (entry === undefined) return undefined;
  const value = valueOf(entry);
  const code = [value, firstText(entry, SCHEME)].filter((text) => text !== '').join(', ');
  const meaning = firstText(entry, MEANING) || value;
  return meaning === '' ? undefined : { meaning, code };
}

/** The symbol of a unit of measurement, such as mm. Empty for a number without a unit. */
export function unitSymbol(measured: JsonDataSet): string {
  const [unit] = itemsOf(measured['004008EA']);
  if (unit === undefined) return '';
  const code = valueOf(unit);
  if (firstText(unit, SCHEME) !== 'UCUM') return firstText(unit, MEANING) || code;
  if (code === '1') return '';
  // UCUM writes annotations in braces and arbitrary units in brackets. Their meaning is easier to read.
  return /[{[]/.test(code) ? firstText(unit, MEANING) || code : code;
}

function valueOf(entry: JsonDataSet): string {
  return CODE_VALUES.map((tag) => firstText(entry, tag)).find((text) => text !== '') ?? '';
}

function formatted(vr: string, value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return (FORMATS.get(vr) ?? plain)(value);
  return vr === 'PN' && typeof value === 'object' && value !== null ? personName(value) : '';
}

const FORMATS: ReadonlyMap<string, (text: string) => string> = new Map([
  ['DA', date],
  ['TM', time],
  ['DT', dateTime],
]);

/** A text with line feeds only. Other control characters are replaced, so that they do not control a terminal or a page. */
function plain(text: string): string {
  return text.replace(/\r\n?|\f/g, '\n').replace(/[^\P{Cc}\t\n]/gu, '\uFFFD');
}

/** 20240131 as 2024-01-31 (PS3.5 §6.2, DA). Other texts are returned unchanged. */
function date(text: string): string {
  const [, year, month, day] = /^(\d{4})\.?(\d\d)\.?(\d\d)$/.exec(text) ?? [];
  return day === undefined ? plain(text) : `${year}-${month}-${day}`;
}

/** 101530.25 as 10:15:30.25 (PS3.5 §6.2, TM). Other texts are returned unchanged. */
function time(text: string): string {
  const [, hour, minute, second] = /^(\d\d):?(\d\d)?:?(\d\d(?:\.\d+)?)?$/.exec(text) ?? [];
  if (hour === undefined) return plain(text);
  return [hour, minute ?? '00', second].filter((part) => part !== undefined).join(':');
}

/** 20240131101530+0100 as 2024-01-31 10:15:30 +01:00 (PS3.5 §6.2, DT). */
function dateTime(text: string): string {
  const [, day = '', moment = '', zone = ''] = /^(\d{8})([\d.]*)([+-]\d{4})?$/.exec(text) ?? [];
  if (day === '') return plain(text);
  const offset = zone === '' ? '' : `${zone.slice(0, 3)}:${zone.slice(3)}`;
  return [date(day), moment === '' ? '' : time(moment), offset].filter((part) => part !== '').join(' ');
}

/** The component groups of a person name (PS3.5 §6.2.1), the alphabetic one first: `Family, Prefix Given Middle, Suffix (…)`. */
function personName(groups: object): string {
  const [first = '', ...others] = ['Alphabetic', 'Ideographic', 'Phonetic']
    .map((group) => nameGroup(Object.entries(groups).find(([name]) => name === group)?.[1]))
    .filter((text) => text !== '');
  return others.length === 0 ? first : `${first} (${others.join(', ')})`;
}

function nameGroup(group: unknown): string {
  if (typeof group !== 'string') return '';
  const [family = '', given, middle, prefix, suffix] = plain(group).split('^');
  const rest = [prefix, given, middle].filter((part) => part !== undefined && part !== '').join(' ');
  return [family, rest, suffix].filter((part) => part !== undefined && part !== '').join(', ');
}
