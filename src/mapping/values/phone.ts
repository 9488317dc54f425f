import type { ContactPoint } from '@medplum/fhirtypes';
import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { type Issue, issue } from '../issue.js';

/** The area codes of Brazil (Anatel, plano de numeração). */
const BRAZILIAN_AREA_CODES = new Set(
  (
    '11 12 13 14 15 16 17 18 19 21 22 24 27 28 31 32 33 34 35 37 38 41 42 43 44 45 46 47 48 49 51 53 54 55 ' +
    '61 62 63 64 65 66 67 68 69 71 73 74 75 77 79 81 82 83 84 85 86 87 88 89 91 92 93 94 95 96 97 98 99'
  ).split(' '),
);

/** A contact point. If the text is invalid, it is kept as it was written, and there is a warning. */
export interface CheckedContact {
  readonly contact: ContactPoint;
  readonly issues: readonly Issue[];
}

/** Reads a phone number and returns it in E.164 format. An invalid number is kept as it was written, with a warning. */
export function readPhone(text: string, country: string, column: string): CheckedContact {
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
