import { foldText } from '../words/folding.js';

type Gender = 'male' | 'female' | 'other' | 'unknown';

const WORDS: Readonly<Record<Gender, string>> = {
  male: 'm masc masculino masculin masculine male man homem hombre homme mann mannlich h macho varon',
  female: 'f fem feminino femenino feminin feminine female woman mulher mujer femme frau weiblich w femea',
  other:
    'o outro outra outros outras other otro otra autre divers diverse d x nb nonbinary naobinario nobinario',
  unknown:
    'u i ign ignorado ignorada unknown unk desconhecido desconocido inconnu unbekannt indeterminado naoinformado notstated',
};
const GENDERS: ReadonlyMap<string, Gender> = new Map(
  (['male', 'female', 'other', 'unknown'] as const).flatMap((gender) =>
    WORDS[gender].split(' ').map((word): [string, Gender] => [word, gender]),
  ),
);

/** The gender of a word of five languages, with or without a dot. The value is undefined for an unknown word. */
export const genderOf = (text: string): Gender | undefined =>
  GENDERS.get(foldText(text).replace(/[^\p{L}]/gu, ''));

/**
 * The gender of a number (ISO/IEC 5218): 1 is male and 2 is female. The numbers 0 and 9 are not read, because some lists use 0 for a sex.
 */
export function numberedGender(text: string): 'male' | 'female' | undefined {
  const number = /^0?([12])(?:[.,]0)?$/u.exec(text.trim())?.[1];
  return number === undefined ? undefined : number === '1' ? 'male' : 'female';
}
