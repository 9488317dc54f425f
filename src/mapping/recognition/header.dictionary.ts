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
    'patient patients patientin pacient pat pt paciente pacientes utente do da dos das de del du des d l le la les el los of the der die das am i im in ' +
    'number numero num no n nr nro nº n° em nau a o e y et und and s serum serico serica plasma sangue sangre sang blut blood atual actual value valor wert ' +
    'lab labor labo time hora heure uhrzeit zeit datetime level test medido'
  ).split(' '),
);

/** Words and abbreviations with one meaning, each group with the word that stands for it. */
const GROUPS: Readonly<Record<string, string>> = {
  date: 'data datum fecha fec dt dat dte',
  birth: 'nascimento nasc nacimiento nac naissance naiss nais geburt geburts geb geboren birthdate born',
  diagnosis: 'diagnostico diagnosticos diagnoses diagnose diagnosen diagnostic diagnostics dx diag',
  icd10: 'icd cid cie cim icd10cm icd10gm cid10 cie10 cim10',
  phone: 'telefone telefono telephone telefon tel fone tfno tlf telf phones telefones telefonos',
  systolic: 'sist sistolica systolisch systolischer syst systolique sys pas',
  diastolic: 'diast diastolica diastolisch diastolischer diastolique dia pad',
  code: 'cod codigo cd kode codes codigos',
  sex: 'sexo sexe gender genero genre geschlecht geschl',
  visit: 'consulta consultation atendimento visita visite besuch encounter',
  collected: 'coleta colheita extraccion prelevement abnahme entnahme collection toma',
  result: 'resultado resultat ergebnis results res',
};
const GROUP_OF = new Map(
  Object.entries(GROUPS).flatMap(([group, words]) => words.split(' ').map((word) => [word, group])),
);
/** Words that say too little without the word beside them, as in "patient code". */
const VAGUE = new Set(
  'code unit case file record chart hospital hosp subject id nome date birth result collected first last'.split(
    ' ',
  ),
);

/** The form of a header for the comparison with the dictionary. */
export const headerKey = (name: string): string => foldHeader(name).replaceAll('ß', 'ss');

/** The words of a header without words such as "patient" and "number", sorted. Words with one meaning are equal. */
export function headerWords(key: string): string {
  const words = key
    .replace(/(?<=^|_)(?:icd|cid|cie|cim)_?10(?:_?[cg]m)?(?=_|$)/gu, 'icd10')
    .split('_')
    .filter((word) => word !== '' && !FILLERS.has(word))
    .map((word) => GROUP_OF.get(word) ?? word);
  return [...new Set(words)].sort().join(' ');
}

const exact = new Map<string, HeaderMeaning[]>();
const loose = new Map<string, HeaderMeaning[]>();
const joined = new Map<string, HeaderMeaning[]>();
/** Initials with points, for example D.O.B. */
const INITIALS = /^\p{L}(?:_\p{L})+$/u;
/** The shortest name that is recognised when it is written as one word. */
const SHORTEST_JOINED = 4;
for (const [meaning, names] of HEADERS)
  for (const language of LIST_LANGUAGES)
    for (const name of names[language] ?? []) {
      const key = headerKey(name);
      exact.set(key, [...(exact.get(key) ?? []), { meaning, language }]);
      const word = key.replaceAll('_', '');
      if (word.length >= SHORTEST_JOINED)
        joined.set(word, [...(joined.get(word) ?? []), { meaning, language }]);
      const words = headerWords(key);
      if (words !== '' && !VAGUE.has(words))
        loose.set(words, [...(loose.get(words) ?? []), { meaning, language }]);
    }

/** The meanings of a header that is in the dictionary exactly. */
export const exactMeanings = (key: string): readonly HeaderMeaning[] => exact.get(key) ?? [];

/**
 * The meanings of a header that resembles a name of the dictionary: the same letters without the spaces between the words, or the same words
 * in any order and without words such as "patient".
 */
export const looseMeanings = (key: string): readonly HeaderMeaning[] =>
  (INITIALS.test(key) ? exact.get(key.replaceAll('_', '')) : joined.get(key.replaceAll('_', ''))) ??
  loose.get(headerWords(key)) ??
  [];

/** Names of the dictionary, for the search for the header line of a file. The names are in the form of `foldHeader`. */
export const DICTIONARY_NAMES = {
  has: (folded: string): boolean =>
    exact.has(folded.replaceAll('ß', 'ss')) || looseMeanings(folded).length > 0,
};
