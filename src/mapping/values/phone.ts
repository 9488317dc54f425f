import type { ContactPoint, PatientContact } from '@medplum/fhirtypes';
import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { type Issue, issue } from '../issue.js';
import { readPhoneNote } from './phone.words.js';

/** The area codes of Brazil (Anatel, plano de numeração). */
const BRAZILIAN_AREA_CODES = new Set(
  (
    '11 12 13 14 15 16 17 18 19 21 22 24 27 28 31 32 33 34 35 37 38 41 42 43 44 45 46 47 48 49 51 53 54 55 ' +
    '61 62 63 64 65 66 67 68 69 71 73 74 75 77 79 81 82 83 84 85 86 87 88 89 91 92 93 94 95 96 97 98 99'
  ).split(' '),
);
/** The separators between several numbers in one cell. */
const BETWEEN_NUMBERS = /[;|\n,]|\s\/\s|\s+(?:ou|or|oder|o|y|e|et|und|and)\s+/iu;
/** A number needs at least this many digits. A shorter group of digits is an extension or a part of a number. */
const FEWEST_DIGITS = 5;
const EXTENSION =
  /(?:(?<!\p{L})(?:ramal|rml|ram|extens[aã]o|extension|extn?|interno|int|anexo|poste|durchwahl|dw|x)\.?|#)\s*:?\s*(?<ext>\d{1,7})(?!\d)/iu;
const NUMBER = /\+?\(?\d[\d\s().\-/]*/gu;

/** A contact point. If the text is invalid, it is kept as it was written, and there is a warning. */
export interface CheckedContact {
  readonly contact: ContactPoint;
  readonly issues: readonly Issue[];
}

/** The numbers of a cell: the numbers of the patient, and the numbers of other people, who become contacts of the patient. */
export interface CheckedPhones {
  readonly own: readonly ContactPoint[];
  readonly contacts: readonly PatientContact[];
  readonly issues: readonly Issue[];
}

/**
 * Reads the phone numbers of a cell. A number with a note such as `(mother)` belongs to another person and becomes a contact. A number
 * with a note that is not understood is left out, with a warning, because it may belong to another person.
 */
export function readPhones(text: string, country: string, column: string): CheckedPhones {
  const own: ContactPoint[] = [];
  const contacts: PatientContact[] = [];
  const issues: Issue[] = [];
  for (const part of partsOf(text)) {
    const noted = /\p{L}/u.test(part) ? notedNumber(part) : undefined;
    if (noted === undefined) {
      const read = readPhone(part, country, column);
      own.push(read.contact);
      issues.push(...read.issues);
      continue;
    }
    const { relationship, use, unknown } = readPhoneNote(noted.note);
    if (noted.several || (relationship === undefined && unknown.length > 0)) {
      issues.push(issue('phone-note', column));
      continue;
    }
    const read = readPhone(noted.number, country, column);
    issues.push(...read.issues);
    const telecom = use === undefined ? read.contact : { ...read.contact, use };
    if (relationship === undefined) {
      own.push(telecom);
      continue;
    }
    issues.push(issue('phone-contact', column));
    const name = unknown.length === 0 ? {} : { name: { text: unknown.join(' ') } };
    contacts.push({ relationship: [relationship], ...name, telecom: [telecom] });
  }
  return { own, contacts, issues };
}

const digitsIn = (text: string): number => text.replace(/\D/gu, '').length;

/** The parts of a cell, each with one number and its note. A part with too few digits for a number belongs to the part before it. */
function partsOf(text: string): string[] {
  const slashed = text.split('/');
  const several = slashed.length > 1 && slashed.every((part) => digitsIn(part) >= FEWEST_DIGITS + 2);
  const raw = several ? slashed.flatMap((part) => part.split(BETWEEN_NUMBERS)) : text.split(BETWEEN_NUMBERS);
  if (raw.filter((part) => digitsIn(part) >= FEWEST_DIGITS).length < 2) return [text];
  const parts: string[] = [];
  for (const part of raw.map((one) => one.trim()).filter((one) => one !== '')) {
    if (parts.length > 0 && (digitsIn(part) < FEWEST_DIGITS || digitsIn(parts.at(-1) ?? '') < FEWEST_DIGITS))
      parts.push(`${parts.pop()} ${part}`);
    else parts.push(part);
  }
  return parts;
}

interface NotedNumber {
  readonly number: string;
  readonly note: string;
  /** Whether the text contains more than one number. The notes then do not say which number they are about. */
  readonly several: boolean;
}

/** Separates a number from the words beside it. Returns undefined when the text contains no number with enough digits. */
function notedNumber(text: string): NotedNumber | undefined {
  const extension = EXTENSION.exec(text);
  const ext = extension?.groups?.['ext'];
  const rest = extension === null ? text : text.replace(extension[0], ' ');
  const numbers = (rest.match(NUMBER) ?? []).filter((one) => digitsIn(one) >= FEWEST_DIGITS);
  const [first] = numbers;
  if (first === undefined) return undefined;
  const number = first.replace(/[\s(/.-]+$/u, '');
  return {
    number: ext === undefined ? number : `${number} ext. ${ext}`,
    note: rest.replace(number, ' '),
    several: numbers.length > 1,
  };
}

/** Reads a phone number and returns it in E.164 format. An invalid number is kept as it was written, with a warning. */
function readPhone(text: string, country: string, column: string): CheckedContact {
  const asWritten: ContactPoint = { system: 'phone', value: text };
  const region: CountryCode | undefined = isSupportedCountry(country) ? country : undefined;
  const number = parsePhoneNumberFromString(text, region === undefined ? {} : { defaultCountry: region });
  if (number === undefined) return { contact: asWritten, issues: [issue('phone-format', column)] };
  const brazilian = number.countryCallingCode === '55' && number.nationalNumber.length >= 10;
  if (brazilian && !BRAZILIAN_AREA_CODES.has(number.nationalNumber.slice(0, 2)))
    return { contact: asWritten, issues: [issue('phone-area-code', column)] };
  if (!number.isValid()) return { contact: asWritten, issues: [issue('phone-format', column)] };
  const mobile = number.getType() === 'MOBILE';
  // E.164 has no extensions, so the extension is appended in the form of RFC 3966.
  const value = number.ext === undefined ? number.number : `${number.number};ext=${number.ext}`;
  return { contact: { system: 'phone', value, ...(mobile ? { use: 'mobile' } : {}) }, issues: [] };
}

/** Reads an e-mail address. An invalid address is kept as it was written, with a warning. */
export function readEmail(text: string, column: string): CheckedContact {
  const fits =
    /^[^\s@<>,;:"()[\]]+@[^\s@.<>,;:"()[\]]+(?:\.[^\s@.<>,;:"()[\]]+)+$/u.test(text) && text.length <= 254;
  return {
    contact: { system: 'email', value: text },
    issues: fits ? [] : [issue('email-format', column)],
  };
}
