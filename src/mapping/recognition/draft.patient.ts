import { genderOf } from '../values/gender.js';
import { foldText } from '../words/folding.js';
import type { PlacedColumn } from './column.choice.js';
import { type Question, question } from './question.js';

const GENDER_CHOICES = (['male', 'female', 'other', 'unknown'] as const).map((value) => ({
  label: value,
  value,
}));
const RELATIONS = new Map([
  ['phone_work', 'work'],
  ['phone_mother', 'mother'],
  ['phone_father', 'father'],
  ['phone_contact', 'emergency'],
]);

/** The rules for the Patient, from the columns of the list. */
export function draftPatient(columns: readonly PlacedColumn[]) {
  const field = (meaning: string) => columns.find((column) => column.meaning === meaning)?.field;
  const copy = (meaning: string) => {
    const found = field(meaning);
    return found === undefined ? undefined : { copy: found };
  };
  const all = (...meanings: string[]) => columns.filter(({ meaning }) => meanings.includes(meaning));
  const address = withoutUndefined({
    line: joined([...all('address'), ...all('house_number'), ...all('address_more'), ...all('district')]),
    city: copy('city'),
    state: copy('state'),
    postal_code: copy('postal_code'),
    country: copy('country'),
  });
  return withoutUndefined({
    name: nameRule(columns),
    gender: field('sex') === undefined ? undefined : { lookup: field('sex'), table: 'gender' },
    birth_date: copy('birth_date'),
    phones: all('phone', ...RELATIONS.keys())
      .slice(0, 4)
      .map((column) => {
        const relation = RELATIONS.get(column.meaning);
        return relation === undefined
          ? { copy: column.field }
          : { template: `{${column.field}} (${relation})` };
      }),
    emails: all('email').map((column) => ({ copy: column.field })),
    address: Object.keys(address).length === 0 ? undefined : address,
    birth_country: copy('birth_country'),
  });
}

/** The name of a column that no file has. A list without names has such a column, because a mapping needs one. */
export const NO_NAME = 'name_of_patient';

function nameRule(columns: readonly PlacedColumn[]) {
  const field = (meaning: string) => columns.find((column) => column.meaning === meaning);
  const [family, second] = [field('family_name'), field('second_family_name')];
  const [given, middle] = [field('given_name'), field('middle_name')];
  const whole = field('full_name');
  // The parts of a name are exact, so they have precedence over the whole name.
  if (family !== undefined && given !== undefined)
    return { family: joined([family, second]), given: joined([given, middle]) };
  if (whole !== undefined)
    return {
      text: { copy: whole.field },
      ...(isFamilyFirst(whole.header) ? { order: 'family-first' } : {}),
    };
  const part = family ?? given;
  return { text: part === undefined ? { copy: NO_NAME } : joined([given, middle, family, second]) };
}

/** Whether the name of a column with whole names says that the family name comes first, for example `Apellidos y nombre`. */
const isFamilyFirst = (header: string): boolean =>
  /^(?:apellidos?|sobrenomes?|apelidos?|nachname|familienname|surname|last name|family name)\b.*\b(?:nombres?|nomes?|vorname|first|given|names?)\b|^nom (?:et )?prenoms?\b/u.test(
    foldText(header)
      .replace(/[^\p{L}]+/gu, ' ')
      .trim(),
  );

/** An expression that joins the cells of columns with spaces. */
function joined(columns: readonly (PlacedColumn | undefined)[]) {
  const fields = columns.flatMap((column) => column?.field ?? []);
  const [first] = fields;
  if (first === undefined) return undefined;
  return fields.length === 1 ? { copy: first } : { template: fields.map((one) => `{${one}}`).join(' ') };
}

const withoutUndefined = (members: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));

/** The words for the sex with their meanings, and the words that nobody knows. */
export interface GenderTable {
  readonly table: Readonly<Record<string, string>>;
  readonly questions: readonly Question[];
  readonly reason?: string;
}

/**
 * The words of a column for the sex. The column as a whole decides: beside H (hombre, homme) or V (varón), M is female. Of numbers, 1 is
 * male and 2 is female (ISO/IEC 5218), if the column has no other numbers.
 */
export function genderTable({ header, profile }: PlacedColumn): GenderTable {
  const words = [...profile.distinct.keys()].map((word) => foldText(word));
  const bare = new Set(words.map((word) => word.replace(/[^\p{L}\d]/gu, '')));
  const hasMan = ['h', 'v', 'hombre', 'homme', 'varon'].some((word) => bare.has(word));
  const isFemaleM = hasMan && bare.has('m') && !bare.has('f');
  const numbers = [...bare].filter((word) => /^\d$/u.test(word));
  const isIso =
    numbers.length > 0 && numbers.every((one) => ['0', '1', '2', '9'].includes(one)) && numbers.includes('2');
  const table: Record<string, string> = {};
  const questions: Question[] = [];
  for (const word of new Set(words)) {
    const plain = word.replace(/[^\p{L}\d]/gu, '');
    const meaning = meaningOf(plain, { isFemaleM, isIso });
    if (meaning !== undefined) table[word] = meaning;
    else if (word !== '')
      questions.push(
        question('sex-word', ['tables', 'gender', word], {
          column: header,
          choices: GENDER_CHOICES,
          about: word,
        }),
      );
  }
  const reason = isFemaleM
    ? 'Beside H or V, the letter M is female.'
    : isIso
      ? 'The numbers are read as ISO/IEC 5218 defines them: 1 is male and 2 is female.'
      : undefined;
  return { table, questions, ...(reason === undefined ? {} : { reason }) };
}

const ISO_SEXES = new Map([
  ['0', 'unknown'],
  ['1', 'male'],
  ['2', 'female'],
  ['9', 'unknown'],
]);

function meaningOf(
  word: string,
  { isFemaleM, isIso }: { readonly isFemaleM: boolean; readonly isIso: boolean },
): string | undefined {
  if (word === 'm' && isFemaleM) return 'female';
  if (word === 'v') return 'male';
  return /^\d$/u.test(word) ? (isIso ? ISO_SEXES.get(word) : undefined) : genderOf(word);
}
