import { z } from 'zod';
import { foldHeader } from '../words/folding.js';
import headers from './headers.json' with { type: 'json' };
import { MEASURED_KINDS } from './measured.kinds.js';

/** The languages of the dictionary. */
export const LIST_LANGUAGES = ['en', 'pt', 'es', 'fr', 'de'] as const;
export type ListLanguage = (typeof LIST_LANGUAGES)[number];

const Names = z.partialRecord(z.enum(LIST_LANGUAGES), z.array(z.string().min(1)));

/** The headers of each meaning, by language. A measurement is a meaning too. */
export const HEADERS: ReadonlyMap<string, z.infer<typeof Names>> = new Map([
  ...Object.entries(z.record(z.string(), Names).parse(headers)),
  ...[...MEASURED_KINDS].map(([name, { names }]) => [name, names] as const),
]);

/** A meaning that a header can have, in a language. */
export interface HeaderMeaning {
  readonly meaning: string;
  readonly language: ListLanguage;
}

/** Words that do not change the meaning of a header. */
const FILLERS = new Set(
  (
    'patient patients patientin pacient paciente pacientes utente do da dos das de del du des d l le la les el los of the der die das am i im in ' +
    'number numero num no n nr nro nº n° em en au a o e y et und and s serum serico serica plasma sangue sangre sang blut blood atual actual value valor wert'
  ).split(' '),
);

/** The form of a header for the comparison with the dictionary. */
export const headerKey = (name: string): string => foldHeader(name).replaceAll('ß', 'ss');

/** The words of a header without words such as "patient" and "number", sorted. */
export function headerWords(key: string): string {
  const words = key.split('_').filter((word) => word !== '' && !FILLERS.has(word));
  return words.sort().join(' ');
}

/** Words that say too little without the word beside them, as in "patient code". */
const VAGUE = new Set(
  'code codigo cod unit case file record chart hospital hosp subject id nome date data'.split(' '),
);

const exact = new Map<string, HeaderMeaning[]>();
const loose = new Map<string, HeaderMeaning[]>();
for (const [meaning, names] of HEADERS)
  for (const language of LIST_LANGUAGES)
    for (const name of names[language] ?? []) {
      const key = headerKey(name);
      exact.set(key, [...(exact.get(key) ?? []), { meaning, language }]);
      const words = headerWords(key);
      if (words !== '' && !VAGUE.has(words))
        loose.set(words, [...(loose.get(words) ?? []), { meaning, language }]);
    }

/** The meanings of a header that is in the dictionary exactly. */
export const exactMeanings = (key: string): readonly HeaderMeaning[] => exact.get(key) ?? [];

/** The meanings of a header whose words are those of a header of the dictionary, in any order and without words such as "patient". */
export const looseMeanings = (key: string): readonly HeaderMeaning[] => loose.get(headerWords(key)) ?? [];

/** Names of the dictionary, for the search for the header line of a file. The names are in the form of `foldHeader`. */
export const DICTIONARY_NAMES = {
  has: (folded: string): boolean =>
    exact.has(folded.replaceAll('ß', 'ss')) || looseMeanings(folded).length > 0,
};
