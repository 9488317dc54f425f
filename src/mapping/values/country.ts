import { foldText } from '../words/folding.js';

/** What is not in the names the Unicode project publishes. */
const MORE: Readonly<Record<string, string>> = {
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

/** The ISO 3166-1 code of a country by its code or its name in Portuguese, English or Spanish; nothing when it is not known. */
export function readCountry(text: string): string | undefined {
  names ??= allNames();
  return names.get(foldText(text));
}

function allNames(): ReadonlyMap<string, string> {
  const found = new Map<string, string>(Object.entries(MORE));
  const letters = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZ');
  const display = ['pt-BR', 'pt-PT', 'en', 'es'].map(
    (language) => new Intl.DisplayNames([language], { type: 'region', fallback: 'none' }),
  );
  // The Unicode tables also name regions that are no country.
  const none = new Set([
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
  for (const code of codes.filter((candidate) => !none.has(candidate))) {
    // A code that was replaced (BU, DD, …) is answered by the name of its successor.
    if (new Intl.Locale(`und-${code}`).region !== code) continue;
    const spoken = display.flatMap((one) => one.of(code) ?? []);
    if (spoken.length === 0) continue;
    found.set(code.toLowerCase(), code);
    for (const name of spoken) if (!found.has(foldText(name))) found.set(foldText(name), code);
  }
  return found;
}
