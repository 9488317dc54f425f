import { readCountry } from '../values/country.js';
import type { PlacedColumn } from './column.choice.js';
import type { ListLanguage } from './header.dictionary.js';
import { type Question, question } from './question.js';

/** The country of a list, the reason for it, and its time zone. */
export interface ListOrigin {
  readonly country: string;
  readonly reason: string;
  /** Whether the country is known, and not only assumed. */
  readonly isKnown: boolean;
  readonly zone?: string;
  readonly questions: readonly Question[];
}

const COUNTRY_OF_NUMBER = new Map([
  ['cpf', 'BR'],
  ['cns', 'BR'],
  ['nhs_number', 'GB'],
  ['nir', 'FR'],
  ['kvnr', 'DE'],
  ['dni', 'ES'],
]);
const COUNTRY_OF_LANGUAGE: Readonly<Record<ListLanguage, string>> = {
  en: 'GB',
  pt: 'BR',
  es: 'ES',
  fr: 'FR',
  de: 'DE',
};
/** Countries with one time zone. */
const ZONES = new Map(
  Object.entries({
    GB: 'Europe/London',
    IE: 'Europe/Dublin',
    FR: 'Europe/Paris',
    DE: 'Europe/Berlin',
    AT: 'Europe/Vienna',
    CH: 'Europe/Zurich',
    BE: 'Europe/Brussels',
    NL: 'Europe/Amsterdam',
    IT: 'Europe/Rome',
    AR: 'America/Argentina/Buenos_Aires',
    CO: 'America/Bogota',
    PE: 'America/Lima',
    UY: 'America/Montevideo',
    IN: 'Asia/Kolkata',
    ZA: 'Africa/Johannesburg',
    AO: 'Africa/Luanda',
    MZ: 'Africa/Maputo',
  }),
);
/** The zone of most people, for countries with several time zones. */
const USUAL_ZONES = new Map([
  ['BR', 'America/Sao_Paulo'],
  ['PT', 'Europe/Lisbon'],
  ['ES', 'Europe/Madrid'],
  ['US', 'America/New_York'],
  ['CA', 'America/Toronto'],
  ['MX', 'America/Mexico_City'],
  ['CL', 'America/Santiago'],
  ['AU', 'Australia/Sydney'],
]);

/** Finds the country of a list. `named` is the country that a person gave. */
export function originOf(
  columns: readonly PlacedColumn[],
  language: ListLanguage,
  named: string | undefined,
): ListOrigin {
  const found =
    named === undefined ? countryIn(columns) : { country: named, reason: 'The country was given.' };
  const assumed = assumedCountry(columns, language);
  const country = found?.country ?? assumed.country;
  const reason = found?.reason ?? assumed.reason;
  const isKnown = found !== undefined;
  const questions: Question[] = [];
  const hasPhone = columns.some(({ meaning }) => meaning.startsWith('phone'));
  if (!isKnown && hasPhone)
    questions.push(
      question('country', ['source', 'country'], {
        choices: [{ label: country, value: country }],
        about: reason,
      }),
    );
  const isTimed = columns.some(({ profile, meaning }) => meaning !== 'birth_date' && profile.dates.local > 0);
  if (!isTimed) return { country, reason, isKnown, questions };
  const only = isKnown ? ZONES.get(country) : undefined;
  const zone = only ?? ZONES.get(country) ?? USUAL_ZONES.get(country);
  if (only === undefined)
    questions.push(
      question('time-zone', ['source', 'zone'], {
        choices: zone === undefined ? [] : [{ label: zone, value: zone }],
      }),
    );
  return { country, reason, isKnown, questions, ...(zone === undefined ? {} : { zone }) };
}

function countryIn(columns: readonly PlacedColumn[]): { country: string; reason: string } | undefined {
  for (const { meaning, header } of columns) {
    const country = COUNTRY_OF_NUMBER.get(meaning);
    if (country !== undefined) return { country, reason: `The column ${header} has numbers of ${country}.` };
  }
  for (const { meaning, header, profile } of columns) {
    if (meaning !== 'country' || profile.hasMore) continue;
    const countries = [...profile.distinct].map(([text, count]) => ({ country: readCountry(text), count }));
    const most = countries.sort((one, other) => other.count - one.count)[0];
    if (most?.country !== undefined && most.count > profile.filled / 2)
      return { country: most.country, reason: `Most rows of the column ${header} name ${most.country}.` };
  }
  return undefined;
}

function assumedCountry(
  columns: readonly PlacedColumn[],
  language: ListLanguage,
): { country: string; reason: string } {
  const isMonthFirst = columns.some(({ profile }) => profile.dates.secondOver > profile.dates.firstOver);
  const hasZip = columns.some(({ header }) => /\bzip\b/iu.test(header));
  if (language === 'en' && (isMonthFirst || hasZip))
    return { country: 'US', reason: 'English names with dates or postal codes of the United States' };
  const country = COUNTRY_OF_LANGUAGE[language];
  return { country, reason: `The language of the column names suggests ${country}` };
}
