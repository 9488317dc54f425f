import { foldText } from './folding.js';

/** Openings that say no more than "has it". */
const OPENINGS =
  /^(?:(?:portador|portadora|paciente|pte|doente|acometid[oa]|diagnostico|dx|patient|known|diagnosed) (?:de|da|do|com|of|with)?\s?|(?:tem|com|has|with|tiene|con) )+/u;

/** Openings and words that turn a statement round, or speak of somebody else, of the past or of a doubt. */
const GUARDS = new RegExp(
  `(?:^|[^\\p{L}])(?:${[
    'n[a]?o',
    'neg[ao]',
    'negou',
    'nega[a-z]*',
    'sem',
    'ausencia',
    'jamais',
    'nunca',
    'descarta(?:do|da|r)?',
    'afastad[oa]',
    'ex',
    'previ[oa]',
    'antecedentes?',
    'mae',
    'pai',
    'avos?',
    'irma(?:o|os|s)?',
    'ti[oa]s?',
    'filh[oa]s?',
    'madre',
    'padre',
    'hermano',
    'familia(?:r|res)?',
    'fam',
    'hist(?:orico|oria)?',
    'hf',
    'suspeita',
    'possivel',
    'provavel',
    'risco',
    'pre',
    'no',
    'not',
    'non',
    'denies',
    'without',
    'never',
    'former',
    'family',
    'mother',
    'father',
    'sister',
    'brother',
    'history',
    'suspected',
    'possible',
    'probable',
    'risk',
    'rule out',
    'sin',
    'niega',
    'ningun[ao]?',
    'sospecha',
    'nao sabe',
  ].join('|')})(?:[^\\p{L}]|$)|\\?`,
  'u',
);

/**
 * A word as it is looked up: accents, case, punctuation at the ends, "portador de", gender and plural folded. What comes out is a
 * key, not a word of any language.
 */
export function foldTerm(text: string): string {
  const plain = foldText(text)
    .replace(/[.,;:!*()[\]"']+/gu, ' ')
    // Only between letters: "HIV -" and "DM (-)" say that it is absent.
    .replace(/(?<=[\p{L}\p{N}])[-_/](?=[\p{L}\p{N}])/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim();
  const bare = plain.replace(OPENINGS, '');
  return (bare === '' ? plain : bare).split(' ').map(foldEnding).join(' ');
}

/** Plural and grammatical gender: "diabéticas", "diabético" and "diabética" end the same. Short words and abbreviations stay. */
function foldEnding(word: string): string {
  if (word.length < 5) return word;
  const single = word.replace(/oes$/u, 'ao').replace(/([^s])s$/u, '$1');
  return single.replace(/[oa]$/u, 'o');
}

/** Whether a text negates, doubts, or speaks of a relative or of the past: "não diabético" is never diabetes. */
export const isGuarded = (text: string): boolean => GUARDS.test(foldText(text).replace(/[^\p{L}?]+/gu, ' '));
