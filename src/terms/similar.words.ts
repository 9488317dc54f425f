import { indexConceptMap } from '../mapping/concept.map.js';
import { SHIPPED_TERMS } from '../mapping/defaults.js';
import type { TermTarget } from '../mapping/term.js';
import { foldTerm } from '../mapping/term.folding.js';

/** A known word that looks like an unknown one. */
export interface Suggestion {
  /** The known word, folded. */
  readonly word: string;
  readonly target: TermTarget;
  /** 0 to 1: how many of their letter triples they share. */
  readonly score: number;
  readonly source: string;
}

const MOST = 10;
const LEAST = 0.2;

const known = [...indexConceptMap(SHIPPED_TERMS)].map(([key, targets]) => {
  const at = key.indexOf(':');
  const word = key.slice(at + 1);
  return { language: key.slice(0, at), word, targets, triples: triplesOf(word) };
});

/** The words of the shipped ConceptMap that share most letter triples with a word, best first; ten at most. */
export function similarWords(text: string, language: string): Suggestion[] {
  const triples = triplesOf(foldTerm(text));
  return known
    .filter((entry) => entry.language === language)
    .map(({ word, targets, triples: own }) => ({
      word,
      targets,
      score: sharedOf(triples, own),
    }))
    .filter(({ score }) => score >= LEAST)
    .sort((one, other) => other.score - one.score)
    .slice(0, MOST)
    .flatMap(({ word, targets, score }) =>
      targets.map((target) => ({
        word,
        target,
        score: Math.round(score * 100) / 100,
        source: 'concept-map',
      })),
    );
}

function triplesOf(word: string): Set<string> {
  const padded = `  ${word} `;
  return new Set(Array.from({ length: padded.length - 2 }, (_, at) => padded.slice(at, at + 3)));
}

function sharedOf(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  const shared = [...one].filter((triple) => other.has(triple)).length;
  return shared / (one.size + other.size - shared);
}
