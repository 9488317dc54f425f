import type {
  Address,
  ContactPoint,
  Extension,
  HumanName,
  Patient,
  PatientContact,
} from '@medplum/fhirtypes';
import { readCountry } from './values/country.js';
import { isAfter, yearsBetween } from './values/dates.js';
import type { Evaluated } from './values/expression.js';
import { issue } from './issue.js';
import { genderOf, numberedGender } from './values/gender.js';
import { readFullName, readNameParts, type ReadName } from './values/person.name.js';
import { readEmail, readPhones } from './values/phone.js';
import type { RowReading } from './row.reading.js';

/** The URL of the R4 extension for the place of birth (`valueAddress`). */
export const BIRTH_PLACE = 'http://hl7.org/fhir/StructureDefinition/patient-birthPlace';
const BR_CORE_PATIENT = 'https://br-core.saude.gov.br/fhir/StructureDefinition/br-core-patient';
const BR_RACE = 'https://ips.saude.gov.br/fhir/StructureDefinition/raca-br-ips';
const BR_RACES = 'https://terminologia.saude.gov.br/fhir/CodeSystem/BRRacaCor';

/** The ids of the list elements that the import owns. An update keeps all other elements. */
export const OWNED = {
  name: 'radgate-name',
  phone: 'radgate-phone',
  contact: 'radgate-contact',
  email: 'radgate-email',
  address: 'radgate-address',
} as const;

/** Makes the Patient of a row, without identifiers. An invalid value becomes an issue in `reading.issues`. */
export function makePatient(reading: RowReading): Patient {
  const { document } = reading;
  const rules = document.patient;
  const name = makeName(reading);
  const gender = makeGender(reading);
  const birthDate = makeBirthDate(reading);
  const phones = makePhones(reading);
  const telecom = [...phones.own, ...makeEmails(reading)];
  const address = makeAddress(reading);
  const extension = [
    ...(document.profile === 'br-core' ? [noRace()] : []),
    ...(rules.birth_country === undefined ? [] : birthPlace(reading, reading.value(rules.birth_country))),
  ];
  return {
    resourceType: 'Patient',
    ...(document.profile === 'br-core' ? { meta: { profile: [BR_CORE_PATIENT] } } : {}),
    ...(extension.length === 0 ? {} : { extension }),
    ...(name === undefined ? {} : { name: [{ id: OWNED.name, ...name }] }),
    ...(telecom.length === 0 ? {} : { telecom }),
    ...(gender === undefined ? {} : { gender }),
    ...(birthDate === undefined ? {} : { birthDate }),
    ...(address === undefined ? {} : { address: [{ id: OWNED.address, ...address }] }),
    ...(phones.contacts.length === 0 ? {} : { contact: phones.contacts }),
  };
}

function makeName(reading: RowReading): HumanName | undefined {
  const { patient, source } = reading.document;
  const rule = patient.name;
  let read: ReadName;
  let column: string | undefined;
  if ('text' in rule) {
    const whole = reading.value(rule.text);
    if (whole === undefined) return undefined;
    read = readFullName(whole.text, source.country, rule.order);
    column = whole.column;
  } else {
    const [family, given] = [reading.value(rule.family), reading.value(rule.given)];
    if (family === undefined && given === undefined) return undefined;
    read = readNameParts(given?.text, family?.text, source.country);
    column = family?.column ?? given?.column;
  }
  reading.issues.push(...read.codes.map((code) => issue(code, column)));
  return read.name;
}

function makeGender(reading: RowReading): Patient['gender'] {
  const rule = reading.document.patient.gender;
  const found = rule === undefined ? undefined : reading.value(rule);
  if (found === undefined) return undefined;
  const { text } = found;
  const listed = found.unlisted !== true;
  if (listed && (text === 'male' || text === 'female' || text === 'other' || text === 'unknown')) return text;
  // A word of the table has precedence. A mapping without a table copies the cell.
  const word = genderOf(text);
  if (word !== undefined) return word;
  const numbered = numberedGender(text);
  reading.issues.push(
    issue(numbered === undefined ? 'gender-unknown-word' : 'gender-numbered', found.column),
  );
  return numbered;
}

function makeBirthDate(reading: RowReading): string | undefined {
  const rule = reading.document.patient.birth_date;
  const found = rule === undefined ? undefined : reading.value(rule);
  if (found === undefined) return undefined;
  const date = reading.date(found);
  if (date === undefined) return undefined;
  if (isAfter(date, reading.latest)) reading.issues.push(issue('date-future', found.column));
  else if (yearsBetween(date, reading.day) > 120)
    reading.issues.push(issue('birth-date-improbable', found.column));
  return date;
}

interface Phones {
  readonly own: ContactPoint[];
  readonly contacts: PatientContact[];
}

function makePhones(reading: RowReading): Phones {
  const { patient, source } = reading.document;
  const phones: Phones = { own: [], contacts: [] };
  for (const [at, rule] of patient.phones.entries()) {
    const found = reading.value(rule);
    if (found === undefined) continue;
    const read = readPhones(found.text, source.country, found.column ?? '');
    reading.issues.push(...read.issues);
    for (const [number, one] of read.own.entries())
      phones.own.push({ id: idOf(OWNED.phone, at, number), ...one });
    for (const [number, one] of read.contacts.entries())
      phones.contacts.push({ id: idOf(OWNED.contact, at, number), ...one });
  }
  return phones;
}

function makeEmails(reading: RowReading): ContactPoint[] {
  return reading.document.patient.emails.flatMap((rule, at) => {
    const found = reading.value(rule);
    if (found === undefined) return [];
    const { contact, issues } = readEmail(found.text, found.column ?? '');
    reading.issues.push(...issues);
    return [{ id: idOf(OWNED.email, at, 0), ...contact }];
  });
}

/** The element id of a value. `rule` is the number of the rule, and `number` is the number of the value in the cell, both from 0. */
const idOf = (id: string, rule: number, number: number): string =>
  `${id}${rule === 0 ? '' : `-${rule + 1}`}${number === 0 ? '' : `.${number + 1}`}`;

function makeAddress(reading: RowReading): Address | undefined {
  const rules = reading.document.patient.address;
  if (rules === undefined) return undefined;
  const text = (rule: typeof rules.city) => (rule === undefined ? undefined : reading.value(rule));
  const [line, city, state, postalCode] = [rules.line, rules.city, rules.state, rules.postal_code].map(
    (rule) => text(rule)?.text,
  );
  const country = text(rules.country);
  const address: Address = {
    ...(line === undefined ? {} : { line: [line] }),
    ...(city === undefined ? {} : { city }),
    ...(state === undefined ? {} : { state }),
    ...(postalCode === undefined ? {} : { postalCode }),
    ...(country === undefined ? {} : { country: countryOf(reading, country) }),
  };
  return Object.keys(address).length === 0 ? undefined : { use: 'home', ...address };
}

function countryOf(reading: RowReading, country: Evaluated): string {
  const code = readCountry(country.text);
  if (code === undefined) reading.issues.push(issue('country-unknown', country.column));
  return code ?? country.text;
}

function birthPlace(reading: RowReading, country: Evaluated | undefined): Extension[] {
  if (country === undefined) return [];
  return [{ url: BIRTH_PLACE, valueAddress: { country: countryOf(reading, country) } }];
}

/** The race extension that BR Core requires. The code 99 means "no information". */
const noRace = (): Extension => ({
  url: BR_RACE,
  valueCodeableConcept: { coding: [{ system: BR_RACES, code: '99' }] },
});
