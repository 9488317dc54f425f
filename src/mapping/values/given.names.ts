import { foldText } from '../words/folding.js';

const PARTICLES = new Set(['da', 'de', 'di', 'do', 'das', 'dos', 'del', 'e', 'y', 'la', 'van', 'von']);

/**
 * The form of a name in which different spellings are equal: Sophia and Sofia, Yara and Iara, Luiz and Luís, Anna and Ana. Different
 * vowels stay different, because twins often have names such as Mariana and Marina, or Daiana and Daiane.
 */
function spellingKey(word: string): string {
  return foldText(word)
    .replace(/[^\p{L}\p{N}]+/gu, '')
    .replace(/ph/gu, 'f')
    .replace(/h/gu, '')
    .replace(/ck|[cq]/gu, 'k')
    .replace(/y/gu, 'i')
    .replace(/w/gu, 'v')
    .replace(/(?<=.)z/gu, 's')
    .replace(/n$/u, 'm')
    .replace(/(.)\1+/gu, '$1');
}

/** The spelling keys of given names, without particles such as `de`. A name in a script without these letters is compared as written. */
export function spellingKeys(given: readonly string[]): string[] {
  return given
    .flatMap((name) => name.split(/[\s-]+/u))
    .filter((word) => !PARTICLES.has(foldText(word)))
    .map(spellingKey)
    .filter((word) => word !== '');
}

/**
 * Whether two lists of spelling keys can be the given names of one person. An initial fits a name that begins with it. The shorter list may
 * lack the last names of the longer list. An empty list says nothing and fits every list.
 */
export function isSameGiven(one: readonly string[], other: readonly string[]): boolean {
  if (one.length === 0 || other.length === 0) return true;
  if (one.join('') === other.join('')) return true;
  return one.every((word, at) => {
    const against = other[at];
    return (
      against === undefined || word === against || isInitialOf(word, against) || isInitialOf(against, word)
    );
  });
}

const isInitialOf = (initial: string, name: string): boolean =>
  /^.$/u.test(initial) && name.startsWith(initial);
