import { foldText } from '../words/folding.js';

/** Country names that the Unicode data do not contain. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  usa: 'US',
  eua: 'US',
  'estados unidos da america': 'US',
  'united states of america': 'US',
  uk: 'GB',
  england: 'GB',
  inglaterra: 'GB',
  'great britain': 'GB',
  holanda: 'NL',
  holland: 'NL',
};

let names: ReadonlyMap<string, string> | undefined;

/**
 * Returns the ISO 3166-1 code of a country. `text` is this code, or the name of the country in Portuguese, English or Spanish. The value is
 * undefined for an unknown country.
 */
export function readCountry(text: string): string | undefined {
  names ??= allNames();
  return names.get(foldText(text));
}

function allNames(): ReadonlyMap<string, string> {
  const found = new Map<string, string>(Object.entries(OTHER_NAMES));
  const letters = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZ');
  const display = ['pt-BR', 'pt-PT', 'en', 'es'].map(
    (language) => new Intl.DisplayNames([language], { type: 'region', fallback: 'none' }),
  );
  // The Unicode data also name regions that are not countries.
  const notCountries = new Set([
    'AC',
    'CP',
    'CQ',
    'DG',
    'EA',
    'EU',
    'EZ',
    'IC',
    'QO',
    'TA',
    'UN',
    'XA',
    'XB',
    'XK',
    'ZZ',
  ]);
  const codes = letters.flatMap((one) => letters.map((other) => one + other));
  for (const code of codes.filter((candidate) => !notCountries.has(candidate))) {
    // Skip replaced codes (BU, DD, …). For these, the Unicode data give the name of the successor country.
    if (new Intl.Locale(`und-${code}`).region !== code) continue;
    const countryNames = display.flatMap((one) => one.of(code) ?? []);
    if (countryNames.length === 0) continue;
    found.set(code.toLowerCase(), code);
    for (const name of countryNames) if (!found.has(foldText(name))) found.set(foldText(name), code);
  }
  return found;
}
