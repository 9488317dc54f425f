import { ucum } from '@atomic-ehr/ucum';
import { foldText } from '../words/folding.js';

/** Units as people write them, folded and without spaces, with their UCUM codes. */
const WRITTEN: ReadonlyMap<string, string> = new Map(
  Object.entries({
    kg: 'kg kgs kilo kilos quilo quilos kilogram kilograms',
    g: 'g gr gram grams gramas',
    '[lb_av]': 'lb lbs pound pounds libra libras',
    '[oz_av]': 'oz ounce ounces',
    cm: 'cm cms',
    m: 'm mt mts metro metros meter meters metre metres',
    mm: 'mm',
    '[in_i]': 'in inch inches " polegadas',
    '[ft_i]': 'ft foot feet',
    Cel: 'c °c ºc celsius cel',
    '[degF]': 'f °f ºf fahrenheit',
    'mm[Hg]': 'mmhg mm/hg mm[hg]',
    kPa: 'kpa',
    '/min': 'bpm /min ipm irpm rpm mpm beats/min breaths/min',
    '%': '%',
    'mg/dL': 'mg/dl mg%',
    'g/dL': 'g/dl g%',
    'g/L': 'g/l',
    'ug/dL': 'ug/dl mcg/dl μg/dl',
    'ug/L': 'ug/l mcg/l μg/l',
    'ng/mL': 'ng/ml',
    'ng/dL': 'ng/dl',
    'pg/mL': 'pg/ml',
    'mg/L': 'mg/l',
    'mmol/L': 'mmol/l',
    'umol/L': 'umol/l μmol/l',
    'nmol/L': 'nmol/l',
    'pmol/L': 'pmol/l',
    'mmol/mol': 'mmol/mol',
    'meq/L': 'meq/l',
    'U/L': 'u/l',
    '[iU]/L': 'ui/l iu/l',
    'm[iU]/L': 'mui/l miu/l',
    'u[iU]/mL': 'uui/ml uiu/ml μui/ml μiu/ml',
    'm[iU]/mL': 'mui/ml miu/ml',
    '/uL': '/ul /μl /mm3 /mm³ cells/ul celulas/mm3 celulas/μl',
    '10*3/uL':
      '10*3/ul 10^3/ul x10^3/ul 10^3/μl x10^3/μl 10³/μl k/ul k/μl tsd/μl tsd/ul tsd./μl tsd./ul mil/mm3 mil/mm³ 10^3/mm3 x10^3/mm3',
    '10*6/uL': '10*6/ul 10^6/ul x10^6/ul 10^6/μl x10^6/μl m/ul milhoes/mm3 10^6/mm3',
    '10*9/L': '10*9/l 10^9/l x10^9/l',
    '10*12/L': '10*12/l 10^12/l x10^12/l',
    'mL/min/{1.73_m2}': 'ml/min/1.73m2 ml/min/1.73m² ml/min/1,73m2',
    'kg/m2': 'kg/m2 kg/m²',
    fL: 'fl',
    pg: 'pg',
    s: 's sec seg segundos seconds',
    'mm/h': 'mm/h mm/hr',
  }).flatMap(([code, texts]) => texts.split(' ').map((text): [string, string] => [foldUnit(text), code])),
);

const known = new Map<string, boolean>();
const conversions = new Map<string, boolean>();
/** The maximum number of units that are remembered, because units of cells can be any text. */
const MOST_REMEMBERED = 1_000;

function foldUnit(text: string): string {
  return foldText(text).replace(/\s/gu, '').replaceAll('µ', 'μ');
}

/** Whether a text is a code of UCUM (The Unified Code for Units of Measure), in its case-sensitive form. */
export function isUcum(code: string): boolean {
  return remembered(
    known,
    code,
    () => /^[\x21-\x7e]{1,40}$/u.test(code) && !code.includes('^') && isValid(code),
  );
}

/** A code whose annotations are plain. UCUM (§12) allows `{1.73_m2}`, but the library does not read a `_` in an annotation. */
const withPlainNotes = (code: string): string => code.replaceAll(/\{[^{}]*\}/gu, '{note}');

function isValid(code: string): boolean {
  try {
    return ucum.validate(withPlainNotes(code)).valid;
  } catch {
    return false;
  }
}

/** The UCUM code of a unit as people write it. The value is undefined for an unknown unit. */
export function unitOf(text: string): string | undefined {
  const written = WRITTEN.get(foldUnit(text));
  if (written !== undefined) return written;
  const code = text.trim();
  return isUcum(code) ? code : undefined;
}

/**
 * Converts a value from one UCUM unit to another. The value is undefined when the units measure different things. For example, mmol/L and
 * mg/dL are not convertible without the substance.
 */
export function convertUnits(value: number, from: string, to: string): number | undefined {
  if (from === to) return value;
  if (!remembered(conversions, `${from} ${to}`, () => isConvertible(from, to))) return undefined;
  return Number(ucum.convert(value, withPlainNotes(from), withPlainNotes(to)).toPrecision(6));
}

function isConvertible(from: string, to: string): boolean {
  try {
    return isUcum(from) && isUcum(to) && ucum.isConvertible(withPlainNotes(from), withPlainNotes(to));
  } catch {
    return false;
  }
}

function remembered(cache: Map<string, boolean>, key: string, compute: () => boolean): boolean {
  const found = cache.get(key);
  if (found !== undefined) return found;
  if (cache.size >= MOST_REMEMBERED) cache.clear();
  const computed = compute();
  cache.set(key, computed);
  return computed;
}
