import { foldTerm } from '../mapping/words/term.folding.js';

/** A known word with its target. */
export interface KnownWord<Meaning> {
  readonly word: string;
  readonly meaning: Meaning;
}

const LOWEST_SCORE = 0.2;

/**
 * The known words that are similar to a text, at most `most` of them, best first. `score` is the Jaccard index of the trigrams (0 to 1).
 */
export function similarTo<Meaning>(
  text: string,
  known: readonly KnownWord<Meaning>[],
  most: number,
): (KnownWord<Meaning> & { readonly score: number })[] {
  const trigrams = trigramsOf(foldTerm(text));
  return known
    .map(({ word, meaning }) => ({
      word,
      meaning,
      score: similarityOf(trigrams, trigramsOf(foldTerm(word))),
    }))
    .filter(({ score }) => score >= LOWEST_SCORE)
    .sort((one, other) => other.score - one.score)
    .slice(0, most);
}

/**
 * The share (0 to 1) of the trigrams of `text` that `name` contains. This measure is better here than the Jaccard index, because names of
 * concepts are longer than words of lists.
 */
export function partIn(text: string, name: string): number {
  const trigrams = trigramsOf(foldTerm(text));
  const others = trigramsOf(foldTerm(name));
  return [...trigrams].filter((trigram) => others.has(trigram)).length / trigrams.size;
}

function trigramsOf(word: string): Set<string> {
  const padded = `  ${word} `;
  return new Set(Array.from({ length: padded.length - 2 }, (_, at) => padded.slice(at, at + 3)));
}

function similarityOf(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  const shared = [...one].filter((trigram) => other.has(trigram)).length;
  return shared / (one.size + other.size - shared);
}
