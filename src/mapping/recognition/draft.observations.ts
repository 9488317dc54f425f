import { convertUnits, unitOf } from '../values/units.js';
import { LOINC } from '../values/loinc.js';
import type { ColumnProfile } from './column.profile.js';
import type { PlacedColumn } from './column.choice.js';
import { MEASURED_KINDS, type MeasuredKind, type MeasuredVariant } from './measured.kinds.js';
import { type Question, question } from './question.js';

/** The variant of a measurement that a column has. `isSure` is false if the unit is only assumed. */
export interface ChosenVariant {
  readonly variant: MeasuredVariant;
  readonly isSure: boolean;
  readonly reason: string;
}

const FITTING = 0.95;

const IMPERIAL = new Set(['[lb_av]', '[in_i]', '[degF]']);

/**
 * Chooses the LOINC code and the unit of a measurement. The written unit decides. Without a unit, the values decide, if they fit the
 * typical range of exactly one unit that is used in the country. `country` is undefined if it is not known.
 */
export function chooseVariant(
  { variants }: MeasuredKind,
  unit: string | undefined,
  sample: readonly number[],
  country: string | undefined,
): ChosenVariant | undefined {
  const [first] = variants;
  if (first === undefined) return undefined;
  if (unit !== undefined) {
    const own =
      variants.find(({ ucum }) => ucum === unit) ??
      variants.find(({ ucum }) => convertUnits(1, unit, ucum) !== undefined);
    if (own === undefined) return undefined;
    const isOther = own.ucum !== unit;
    return {
      variant: isOther ? { ...own, unit, ucum: unit, possible: undefined } : own,
      isSure: true,
      reason: `The unit is ${unit}.`,
    };
  }
  if (variants.length === 1 && sample.length === 0)
    return { variant: first, isSure: true, reason: `The measurement has one usual unit, ${first.unit}.` };
  const isMetric = country !== undefined && country !== 'US';
  const fitting = variants.filter(({ ucum, only, typical: [low, high] }) => {
    if ((isMetric && IMPERIAL.has(ucum)) || only?.includes(country ?? '') === false) return false;
    const inside = sample.filter((value) => value >= low && value <= high).length;
    return sample.length > 0 && inside >= sample.length * FITTING;
  });
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1)
    return { variant: only, isSure: true, reason: `No unit is written. The values fit only ${only.unit}.` };
  return {
    variant: only ?? first,
    isSure: false,
    reason: 'No unit is written, and the values do not decide it.',
  };
}

const codeOf = ({ code, display }: MeasuredVariant) => ({ system: LOINC, code, display });

const quantityOf = (variant: MeasuredVariant, decimal: '.' | ',' | 'either') => ({
  unit: variant.unit,
  ucum: variant.ucum,
  ...(decimal === 'either' ? {} : { decimal }),
  ...(variant.possible === undefined ? {} : { possible: variant.possible }),
});

/** The decimal sign of a column. If only one sign occurs, a number such as 1.234 with the other sign is left out with a finding. */
export function decimalOf({ point, comma }: ColumnProfile['numbers']): '.' | ',' | 'either' {
  if (point > 0 && comma === 0) return '.';
  return comma > 0 && point === 0 ? ',' : 'either';
}

/** The unit of a column: the unit of its name, or the unit that most of its cells have. */
function unitOfColumn({ unit, profile: { numbers } }: PlacedColumn): string | undefined {
  if (unit !== undefined) return unit;
  const [most] = [...numbers.units].sort((one, other) => other[1] - one[1]);
  return most !== undefined && numbers.units.size === 1 ? most[0] : undefined;
}

export interface DraftedRules {
  readonly observations: readonly object[];
  readonly questions: readonly Question[];
  /** More about the choice of a column, by its field. */
  readonly reasons: ReadonlyMap<string, string>;
}

/** The rules for the measurements that have columns of their own. `date` chooses the column with the time of a measurement. */
export function draftMeasurements(
  columns: readonly PlacedColumn[],
  date: (category: string) => object,
  country: string | undefined,
): DraftedRules {
  const observations: object[] = [];
  const questions: Question[] = [];
  const reasons = new Map<string, string>();
  const pressure = pressureRule(columns, date);
  if (pressure !== undefined) observations.push(pressure);
  for (const column of columns) {
    const kind = MEASURED_KINDS.get(column.meaning);
    if (kind === undefined || (pressure !== undefined && ['systolic', 'diastolic'].includes(column.meaning)))
      continue;
    const ruleOf = (variant: MeasuredVariant) => ({
      name: column.meaning,
      kind: 'quantity',
      category: kind.category,
      code: codeOf(variant),
      value: { copy: column.field },
      ...date(kind.category),
      quantity: quantityOf(variant, decimalOf(column.profile.numbers)),
    });
    const chosen = chooseVariant(kind, unitOfColumn(column), column.profile.numbers.sample, country);
    const { variant } = chosen ?? { variant: kind.variants[0] };
    if (variant === undefined) continue;
    reasons.set(column.field, chosen?.reason ?? 'The unit is not known.');
    if (chosen?.isSure !== true)
      questions.push(
        question(
          chosen === undefined ? 'unit-unknown' : 'unit-missing',
          ['observations', observations.length],
          {
            column: column.header,
            choices: kind.variants.map((one) => ({ label: one.unit, value: ruleOf(one) })),
          },
        ),
      );
    observations.push(ruleOf(variant));
  }
  return { observations, questions, reasons };
}

function pressureRule(columns: readonly PlacedColumn[], date: (category: string) => object) {
  const field = (meaning: string) => columns.find((column) => column.meaning === meaning);
  const combined = field('blood_pressure');
  const parts = [field('systolic'), field('diastolic')];
  if (combined === undefined && parts.some((part) => part === undefined)) return undefined;
  const component = (name: string, part: PlacedColumn | undefined): object => {
    const variant = MEASURED_KINDS.get(name)?.variants[0];
    if (variant === undefined) throw new Error(`The measurement ${name} is not known.`);
    return {
      code: codeOf(variant),
      ...(part === undefined || combined !== undefined ? {} : { value: { copy: part.field } }),
      quantity: quantityOf(variant, 'either'),
    };
  };
  return {
    name: 'blood_pressure',
    kind: 'components',
    category: 'vital-signs',
    code: { system: LOINC, code: '85354-9', display: 'Blood pressure panel with all children optional' },
    ...(combined === undefined ? {} : { combined: { copy: combined.field } }),
    ...date('vital-signs'),
    components: [component('systolic', parts[0]), component('diastolic', parts[1])],
  };
}

/** The UCUM code of the unit that is written most often. */
export function mostFrequentUnit(units: ReadonlyMap<string, number>): string | undefined {
  const [most] = [...units].sort((one, other) => other[1] - one[1]);
  return most === undefined ? undefined : unitOf(most[0]);
}
