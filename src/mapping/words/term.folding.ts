import { foldText } from './folding.js';

/**
 * Opening words that only mean "has" or "patient with". The English word "has" is missing, because HAS means hypertension in Portuguese.
 */
const OPENINGS =
  /^(?:(?:portador|portadora|paciente|pte|doente|acometid[oa]|diagnostico|dx|patient|known|diagnosed) (?:de|da|do|com|of|with)?\s?|(?:tem|com|with|tiene|con) )+/u;

/**
 * An empty checkbox, as in "( ) diabetes". Folding must not remove an empty checkbox, because such a checkbox means that the statement is
 * false.
 */
const EMPTY_BOX = /[([]\s*[)\]]/gu;
const UNTICKED = '☐';

/** Guard words in three languages. They negate a statement, or refer to the past, to another person or to a doubt. */
const GUARDS = new RegExp(
  `(?:^|[^\\p{L}])(?:${[
    // Negation.
    'n|n[a]?o|nem|neg[ao]|negou|nega[a-z]*|negativ[aeo]|sem|ausencia|ausente|jamais|nunca|descarta(?:do|da|r)?|afastad[oa]|exclui(?:r|do|da)',
    'not|non|nor|denies|denied|without|never|absent|rule out|ruled out|sin|niega|ningun[ao]?|descartad[oa]',
    // The past.
    'ex|previ[oa]|antecedentes?|pregress[oa]|hist(?:orico|oria)?|resolvid[oa]|curad[oa]|remissao|former|history|past|previous|resolved|cured|remission',
    // Another person.
    'mae|pai|pais|avos?|bisavos?|irma(?:o|os|s)?|ti[oa]s?|filh[oa]s?|prim[oa]s?|net[oa]s?|sogr[oa]s?|espos[oa]|marido|conjuge|hf',
    'madre|padre|padres|herman[oa]s?|abuel[oa]s?|hij[oa]s?|familia(?:r|res)?|fam|family|mother|father|parents?|sisters?|brothers?',
    'grand(?:mother|father|parents?)|aunts?|uncles?|cousins?|sons?|daughters?|husband|wife',
    // Doubt.
    'suspeita|possivel|provavel|hipotese|risco|rastreio|investigar|investigacao|esclarecer|pre|suspected|possible|probable|risk|screening|sospecha|posible',
  ].join('|')})(?:[^\\p{L}]|$)|[?${UNTICKED}]`,
  'u',
);

/**
 * The key of a word for the look-up, without accents, case, punctuation, opening words such as "portador de", gender and plural. The key
 * itself need not be a word of the language.
 */
export function foldTerm(text: string): string {
  const plain = foldText(text)
    .replace(EMPTY_BOX, ` ${UNTICKED} `)
    .replace(/[.,;:!*()[\]"']+/gu, ' ')
    // Replace `-` only between letters and digits, because the sign in "HIV -" and "DM (-)" means that the disease is absent.
    .replace(/(?<=[\p{L}\p{N}])[-_/](?=[\p{L}\p{N}])/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim();
  const bare = plain.replace(OPENINGS, '');
  return (bare === '' ? plain : bare).split(' ').map(foldEnding).join(' ');
}

/**
 * Removes plural and grammatical gender, so that "diabéticas", "diabético" and "diabética" become equal. Words of fewer than five letters
 * do not change.
 */
function foldEnding(word: string): string {
  if (word.length < 5) return word;
  const single = word.replace(/oes$/u, 'ao').replace(/([^s])s$/u, '$1');
  return single.replace(/[oa]$/u, 'o');
}

/** The separators between words. They are replaced by spaces before the guard words are searched. */
const BETWEEN_WORDS = new RegExp(`[^\\p{L}?${UNTICKED}]+`, 'gu');

/** Whether a text contains a guard word. For example, "não diabético" must not be mapped to diabetes. */
export function isGuarded(text: string): boolean {
  const plain = foldText(text).replace(EMPTY_BOX, UNTICKED);
  // "s/ DM" means "sem DM" (without diabetes).
  return /(?:^|\s)s\//u.test(plain) || GUARDS.test(plain.replace(BETWEEN_WORDS, ' '));
}
