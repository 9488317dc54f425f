import type { Address, ContactPoint, Extension, HumanName, Patient } from '@medplum/fhirtypes';
import { readCountry } from './values/country.js';
import { isAfter, yearsBetween } from './values/dates.js';
import type { Evaluated } from './values/expression.js';
import { issue } from './issue.js';
import { joinName, splitName } from './values/person.name.js';
import { readEmail, readPhone } from './values/phone.js';
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
  const telecom = makeTelecom(reading);
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
  };
}

function makeName(reading: RowReading): HumanName | undefined {
  const rule = reading.document.patient.name;
  if ('text' in rule) {
    const whole = reading.value(rule.text);
    if (whole === undefined) return undefined;
    const name = splitName(whole.text);
    if (name.family === undefined) reading.issues.push(issue('name-single', whole.column));
    return name;
  }
  const [family, given] = [reading.value(rule.family)?.text, reading.value(rule.given)?.text];
  return family === undefined && given === undefined ? undefined : joinName(given, family);
}

function makeGender(reading: RowReading): Patient['gender'] {
  const rule = reading.document.patient.gender;
  const found = rule === undefined ? undefined : reading.value(rule);
  if (found === undefined) return undefined;
  const { text } = found;
  const listed = found.unlisted !== true;
  if (listed && (text === 'male' || text === 'female' || text === 'other' || text === 'unknown')) return text;
  reading.issues.push(issue('gender-unknown-word', found.column));
  return undefined;
}

function makeBirthDate(reading: RowReading): string | undefined {
  const rule = reading.document.patient.birth_date;
  const found = rule === undefined ? undefined : reading.value(rule);
  if (found === undefined) return undefined;
  const date = reading.date(found);
  if (date === undefined) return undefined;
  if (isAfter(date, reading.day)) reading.issues.push(issue('date-future', found.column));
  else if (yearsBetween(date, reading.day) > 120)
    reading.issues.push(issue('birth-date-improbable', found.column));
  return date;
}

function makeTelecom(reading: RowReading): ContactPoint[] {
  const { patient, source } = reading.document;
  const read = (
    rules: typeof patient.phones,
    id: string,
    check: (text: string, column: string) => ReturnType<typeof readEmail>,
  ) =>
    rules.flatMap((rule, at) => {
      const found = reading.value(rule);
      if (found === undefined) return [];
      const { contact, issues } = check(found.text, found.column ?? '');
      reading.issues.push(...issues);
      return [{ id: at === 0 ? id : `${id}-${at + 1}`, ...contact }];
    });
  return [
    ...read(patient.phones, OWNED.phone, (text, column) => readPhone(text, source.country, column)),
    ...read(patient.emails, OWNED.email, readEmail),
  ];
}

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
