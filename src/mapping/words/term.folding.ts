import { foldText } from './folding.js';

/** Openings that say no more than "has it"; not the English "has" itself, which in Portuguese is hypertension. */
const OPENINGS =
  /^(?:(?:portador|portadora|paciente|pte|doente|acometid[oa]|diagnostico|dx|patient|known|diagnosed) (?:de|da|do|com|of|with)?\s?|(?:tem|com|with|tiene|con) )+/u;

/** A box that is not ticked, "( ) diabetes": folded, it must not vanish. */
const EMPTY_BOX = /[([]\s*[)\]]/gu;
const UNTICKED = '☐';

/** Words and openings that turn a statement round, or speak of somebody else, of the past or of a doubt, in three languages. */
const GUARDS = new RegExp(
  `(?:^|[^\\p{L}])(?:${[
    // It is not so.
    'n|n[a]?o|nem|neg[ao]|negou|nega[a-z]*|negativ[aeo]|sem|ausencia|ausente|jamais|nunca|descarta(?:do|da|r)?|afastad[oa]|exclui(?:r|do|da)',
    'not|non|nor|denies|denied|without|never|absent|rule out|ruled out|sin|niega|ningun[ao]?|descartad[oa]',
    // It was so.
    'ex|previ[oa]|antecedentes?|pregress[oa]|hist(?:orico|oria)?|resolvid[oa]|curad[oa]|remissao|former|history|past|previous|resolved|cured|remission',
    // Somebody else has it.
    'mae|pai|pais|avos?|bisavos?|irma(?:o|os|s)?|ti[oa]s?|filh[oa]s?|prim[oa]s?|net[oa]s?|sogr[oa]s?|espos[oa]|marido|conjuge|hf',
    'madre|padre|padres|herman[oa]s?|abuel[oa]s?|hij[oa]s?|familia(?:r|res)?|fam|family|mother|father|parents?|sisters?|brothers?',
    'grand(?:mother|father|parents?)|aunts?|uncles?|cousins?|sons?|daughters?|husband|wife',
    // It may be so.
    'suspeita|possivel|provavel|hipotese|risco|rastreio|investigar|investigacao|esclarecer|pre|suspected|possible|probable|risk|screening|sospecha|posible',
  ].join('|')})(?:[^\\p{L}]|$)|[?${UNTICKED}]`,
  'u',
);

/**
 * A word as it is looked up: accents, case, punctuation at the ends, "portador de", gender and plural folded. What comes out is a
 * key, not a word of any language.
 */
export function foldTerm(text: string): string {
  const plain = foldText(text)
    .replace(EMPTY_BOX, ` ${UNTICKED} `)
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

/** What stands between the words that the guards look at. */
const BETWEEN_WORDS = new RegExp(`[^\\p{L}?${UNTICKED}]+`, 'gu');

/** Whether a text negates, doubts, or speaks of a relative or of the past: "não diabético" is never diabetes. */
export function isGuarded(text: string): boolean {
  const plain = foldText(text).replace(EMPTY_BOX, UNTICKED);
  // "s/ DM" is "sem DM".
  return /(?:^|\s)s\//u.test(plain) || GUARDS.test(plain.replace(BETWEEN_WORDS, ' '));
}
