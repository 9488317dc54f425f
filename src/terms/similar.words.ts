import { foldTerm } from '../mapping/words/term.folding.js';

/** A known word with what it means. */
export interface KnownWord<Meaning> {
  readonly word: string;
  readonly meaning: Meaning;
}

const LEAST = 0.2;

/** The known words that share letter triples with a text, best first; `score` is 0 to 1. */
export function similarTo<Meaning>(
  text: string,
  known: readonly KnownWord<Meaning>[],
  most: number,
): (KnownWord<Meaning> & { readonly score: number })[] {
  const triples = triplesOf(foldTerm(text));
  return known
    .map(({ word, meaning }) => ({ word, meaning, score: sharedOf(triples, triplesOf(foldTerm(word))) }))
    .filter(({ score }) => score >= LEAST)
    .sort((one, other) => other.score - one.score)
    .slice(0, most);
}

/** How much of a text stands in another one, 0 to 1: names of concepts are longer than words of lists. */
export function partIn(text: string, name: string): number {
  const triples = triplesOf(foldTerm(text));
  const others = triplesOf(foldTerm(name));
  return [...triples].filter((triple) => others.has(triple)).length / triples.size;
}

function triplesOf(word: string): Set<string> {
  const padded = `  ${word} `;
  return new Set(Array.from({ length: padded.length - 2 }, (_, at) => padded.slice(at, at + 3)));
}

function sharedOf(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  const shared = [...one].filter((triple) => other.has(triple)).length;
  return shared / (one.size + other.size - shared);
}
