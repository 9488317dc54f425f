import type { ColumnProfile } from './column.profile.js';
import { MEASURED_KINDS } from './measured.kinds.js';
import type { Shape } from './value.shapes.js';

/** How well the values of a column fit a meaning: the share of the values from 0 to 1, and what the values are, in words. */
export interface ValueFit {
  readonly share: number;
  readonly what: string;
}

const SHAPES_OF: Readonly<Record<string, readonly [what: string, ...shapes: Shape[]]>> = {
  birth_date: ['dates', 'date'],
  onset: ['dates', 'date'],
  collected_on: ['dates', 'date'],
  visit_date: ['dates', 'date'],
  row_date: ['dates', 'date'],
  discharge_date: ['dates', 'date'],
  visit_number: ['codes', 'code'],
  sex: ['words for the sex', 'sex', 'sex-number'],
  cpf: ['numbers with the form of a CPF', 'cpf'],
  cns: ['numbers with the form of a CNS', 'cns'],
  nhs_number: ['numbers with the form of an NHS number', 'nhs_number'],
  nir: ['numbers with the form of a NIR', 'nir'],
  kvnr: ['numbers with the form of a KVNR', 'kvnr'],
  dni: ['numbers with the form of a DNI', 'dni'],
  mrn: ['codes', 'code', 'placeholder'],
  passport: ['codes', 'code'],
  national_id: ['codes', 'code'],
  insurance_number: ['codes', 'code'],
  range_low: ['numbers', 'number'],
  range_high: ['numbers', 'number'],
  phone: ['phone numbers', 'phone'],
  phone_work: ['phone numbers', 'phone'],
  phone_mother: ['phone numbers', 'phone'],
  phone_father: ['phone numbers', 'phone'],
  phone_contact: ['phone numbers', 'phone'],
  email: ['e-mail addresses', 'email'],
  full_name: ['words', 'words'],
  name: ['words', 'words'],
  family_name: ['words', 'words'],
  given_name: ['words', 'words'],
  second_family_name: ['words', 'words'],
  middle_name: ['words', 'words'],
  city: ['words', 'words'],
  diagnosis_code: ['ICD-10 codes', 'icd'],
  blood_pressure: ['pairs such as 120/80', 'pressure'],
  postal_code: ['postal codes', 'postal'],
  result_unit: ['units', 'unit'],
  row_number: ['numbers', 'integer'],
};

/** The number of cells of a column that have one of the shapes. Shapes of one call never occur in one cell together. */
const countOf = ({ shapes }: ColumnProfile, wanted: readonly Shape[]): number =>
  wanted.reduce((sum, shape) => sum + (shapes.get(shape) ?? 0), 0);

/** How well the values of a column fit a meaning. The value is undefined when the meaning says nothing about its values. */
export function fitOf(meaning: string, column: ColumnProfile): ValueFit | undefined {
  const own = MEASURED_KINDS.has(meaning) ? (['numbers', 'number'] as const) : SHAPES_OF[meaning];
  if (own === undefined || column.filled === 0) return undefined;
  const [what, ...shapes] = own;
  const placeholders = meaning === 'mrn' ? 0 : (column.shapes.get('placeholder') ?? 0);
  const filled = Math.max(1, column.filled - placeholders);
  return { share: Math.min(1, countOf(column, shapes) / filled), what };
}

/** Meanings that values alone can show, with the shape of the values and the confidence. */
const SHOWN: readonly (readonly [meaning: string, shape: Shape, confidence: number, what: string])[] = [
  ['cpf', 'valid-cpf', 0.8, 'have valid check digits of a CPF'],
  ['cns', 'valid-cns', 0.75, 'have valid check digits of a CNS'],
  ['nhs_number', 'valid-nhs_number', 0.75, 'have valid check digits of an NHS number'],
  ['nir', 'valid-nir', 0.8, 'have the valid key of a NIR'],
  ['kvnr', 'valid-kvnr', 0.8, 'have valid check digits of a KVNR'],
  ['dni', 'valid-dni', 0.8, 'have the valid letter of a DNI'],
  ['email', 'email', 0.8, 'are e-mail addresses'],
  ['blood_pressure', 'pressure', 0.65, 'are pairs such as 120/80'],
  ['test_code', 'loinc', 0.75, 'are LOINC codes with a valid check digit'],
  ['diagnosis_code', 'icd', 0.6, 'are ICD-10 codes'],
  ['sex', 'sex', 0.55, 'are words for the sex'],
];
const FEWEST_VALUES = 3;

/** The meanings that the values of a column show without its name, with a confidence and a reason. */
export function shownMeanings(
  column: ColumnProfile,
): { meaning: string; confidence: number; reason: string }[] {
  const filled = column.filled - (column.shapes.get('placeholder') ?? 0);
  if (filled < FEWEST_VALUES) return [];
  return SHOWN.flatMap(([meaning, shape, confidence, what]) => {
    const count = column.shapes.get(shape) ?? 0;
    if (count < filled * 0.9) return [];
    return [
      {
        meaning,
        confidence,
        reason: `The name does not say it, but ${count} of ${filled} values ${what}.`,
      },
    ];
  });
}
