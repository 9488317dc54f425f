import type { HumanName, Patient } from '@medplum/fhirtypes';
import { canonicalJson } from './canonical.json.js';
import { type IdentityKey, keyedDigest } from './values/identity.js';
import { isSameGiven, spellingKeys } from './values/given.names.js';
import { readFullName } from './values/person.name.js';

/** The facts in which two different persons with one identifier differ. Family names are left out, because people change them. */
export const DIFFERENCES = ['birth_date', 'gender', 'given_name', 'family_name'] as const;
export type Difference = (typeof DIFFERENCES)[number];

/**
 * The facts in which two Patients contradict each other. A fact that one of them lacks contradicts nothing. This includes the gender
 * `unknown` and the missing parts of a shorter date. Given names may differ in their spelling. If the Patients have neither a birth date nor
 * a given name in common, their family names are compared too.
 */
export function differencesOf(one: Patient, other: Patient): Difference[] {
  const found: Difference[] = [];
  const [birth, otherBirth] = [one.birthDate, other.birthDate];
  const areDated = birth !== undefined && otherBirth !== undefined;
  if (areDated && !birth.startsWith(otherBirth) && !otherBirth.startsWith(birth)) found.push('birth_date');
  const [gender, otherGender] = [genderOf(one), genderOf(other)];
  if (gender !== undefined && otherGender !== undefined && gender !== otherGender) found.push('gender');
  const [given, otherGiven] = [readingsOf(one), readingsOf(other)];
  const areNamed = given.length > 0 && otherGiven.length > 0;
  const isSame = given.some((names) => otherGiven.some((otherNames) => isSameGiven(names, otherNames)));
  if (areNamed && !isSame && !hasSameWords(one, other)) found.push('given_name');
  if (!areDated && !areNamed && hasOtherFamily(one, other)) found.push('family_name');
  return found;
}

/** The facts of a Patient that {@link differencesOf} compares, as text. Equal facts give equal text. */
export function personFacts(patient: Patient): string {
  const families = (patient.name ?? []).flatMap((name) => spellingKeys([partsOf(name).family ?? '']));
  return canonicalJson([patient.birthDate, genderOf(patient), givenOf(patient), families]);
}

/** The keyed digest of a person: the identifiers of a row and the facts of its Patient. Equal rows of other files give equal digests. */
export const personDigest = (key: IdentityKey, identities: readonly string[], patient: Patient): string =>
  keyedDigest(key, ['person', canonicalJson([...identities].sort()), personFacts(patient)]);

/** The keyed digest of two persons with an identifier in common. Their order does not matter. */
export const pairDigest = (
  key: IdentityKey,
  identities: readonly string[],
  one: Patient,
  other: Patient,
): string =>
  keyedDigest(key, [
    'pair',
    canonicalJson([...identities].sort()),
    ...[personFacts(one), personFacts(other)].sort(),
  ]);

const genderOf = ({ gender }: Patient) => (gender === 'unknown' ? undefined : gender);

/** The parts of a name. If the name has only a text, the text is split. */
function partsOf(name: HumanName): HumanName {
  const isSplit = name.family !== undefined || (name.given ?? []).length > 0;
  return isSplit || name.text === undefined ? name : readFullName(name.text, 'BR').name;
}

/** The given names of each name of a Patient, as spelling keys. Names without a given name are left out. */
const givenOf = (patient: Patient): string[][] =>
  (patient.name ?? [])
    .map((name) => spellingKeys(partsOf(name).given ?? []))
    .filter((keys) => keys.length > 0);

/**
 * The given names of each name of a Patient, as stored, and as they are read from its text. Earlier versions stored a title or the family
 * name in front of a comma as a given name.
 */
const readingsOf = (patient: Patient): string[][] => [
  ...givenOf(patient),
  ...givenOf({
    resourceType: 'Patient',
    name: (patient.name ?? []).flatMap(({ given = [], text }) =>
      given.length === 0 || text === undefined ? [] : [{ text }],
    ),
  }),
];

const isUnsplit = ({ family, given = [] }: HumanName) => family === undefined && given.length === 0;

/** The spelling keys of all words of a name, in alphabetical order. */
const wordsOf = (name: HumanName): string =>
  spellingKeys(isUnsplit(name) ? [name.text ?? ''] : [...(name.given ?? []), name.family ?? ''])
    .sort()
    .join(' ');

/**
 * Whether both Patients have a name of the same words, and one of these names is not split. Such a name does not show which of its words are
 * given names. For example, "Ruiz Peña María José" is the name of María José Ruiz Peña.
 */
function hasSameWords({ name: names = [] }: Patient, { name: others = [] }: Patient): boolean {
  return names.some((one) =>
    others.some((other) => (isUnsplit(one) || isUnsplit(other)) && wordsOf(one) === wordsOf(other)),
  );
}

function hasOtherFamily(one: Patient, other: Patient): boolean {
  const [own, others] = [one, other].map((patient) =>
    (patient.name ?? [])
      .map((name) => spellingKeys([partsOf(name).family ?? '']).join(''))
      .filter((key) => key !== ''),
  );
  if (own === undefined || others === undefined || own.length === 0 || others.length === 0) return false;
  return !own.some((key) => others.includes(key));
}
