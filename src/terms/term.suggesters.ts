import { z } from 'zod';
import { indexConceptMap, wordsOf } from '../mapping/words/concept.map.js';
import { SHIPPED_TERMS } from '../mapping/defaults.js';
import { isConceptId } from '../mapping/values/snomed.id.js';
import { SNOMED, type TermTarget } from '../mapping/words/term.js';
import { partIn, similarTo } from './similar.words.js';
import { KnownTarget } from './term.target.js';
import type { TerminologyMatch } from './terminology.service.js';

/** A possible concept of an unknown word. A person decides whether to use it. */
export const Suggestion = z.object({
  word: z.string().describe('The similar known word or name.'),
  target: KnownTarget,
  score: z.number().describe('Similarity, 0 to 1.'),
  source: z.enum(['concept-map', 'decision', 'typed-code', 'terminology-server']),
});
export type Suggestion = z.output<typeof Suggestion>;

/** A source of suggestions for a word. */
export interface TermSuggester {
  suggest(word: string, language: string): Suggestion[];
}

/** The maximum number of suggestions from one source. */
const MOST = 10;
const LOWEST_SERVER_SCORE = 0.5;

const shipped = wordsOf(SHIPPED_TERMS).flatMap(({ language, word, targets }) =>
  targets.map((target) => ({ language, word, meaning: target })),
);
const shippedTargets = [...indexConceptMap(SHIPPED_TERMS).values()].flat();

/**
 * The target in the shipped ConceptMap with the given code. If the code is a value of an Observation, the result is the target of that
 * Observation.
 */
export const shippedTarget = (code: string): TermTarget | undefined =>
  shippedTargets.find((target) => codeOf(target) === code);

const codeOf = (target: Suggestion['target']) =>
  target.kind === 'condition' ? target.coding.code : target.value[0]?.code;

/** Suggests similar words of the shipped ConceptMap. */
export class ConceptMapSuggester implements TermSuggester {
  suggest(word: string, language: string): Suggestion[] {
    const own = shipped.filter((entry) => entry.language === language);
    return suggestionsOf(word, own, 'concept-map');
  }
}

/** Suggests similar decided words. */
export class DecisionSuggester implements TermSuggester {
  constructor(private readonly decided: readonly { word: string; meaning: TermTarget }[]) {}

  suggest(word: string): Suggestion[] {
    return suggestionsOf(word, this.decided, 'decision');
  }
}

/** Suggests the concept when the word is a SNOMED CT concept identifier. */
export class TypedCodeSuggester implements TermSuggester {
  suggest(word: string): Suggestion[] {
    const code = word.trim();
    if (!isConceptId(code)) return [];
    const target = shippedTarget(code) ?? { kind: 'condition', coding: { system: SNOMED, code } };
    return [{ word: code, target, score: 1, source: 'typed-code' }];
  }
}

/**
 * Suggests concepts that a terminology server found. A concept is left out if the word and the names of the concept have too few trigrams
 * in common.
 */
export class ServerSuggester implements TermSuggester {
  constructor(private readonly found: readonly TerminologyMatch[]) {}

  suggest(word: string): Suggestion[] {
    return this.found.flatMap(({ system, code, display, terms, exact }): Suggestion[] => {
      if (system === SNOMED && !isConceptId(code)) return [];
      const score = exact ? 1 : Math.max(0, ...terms.map((term) => partIn(word, term)));
      if (score < LOWEST_SERVER_SCORE) return [];
      const coding = { system, code, ...(display === undefined ? {} : { display }) };
      const target = shippedTarget(code) ?? { kind: 'condition', coding };
      return [{ word: display ?? code, target, score: rounded(score), source: 'terminology-server' }];
    });
  }
}

/** The suggestions of all sources, best first. Each concept occurs once. */
export function suggestAll(
  suggesters: readonly TermSuggester[],
  word: string,
  language: string,
): Suggestion[] {
  const all = suggesters.flatMap((one) => one.suggest(word, language));
  const best = new Map<string, Suggestion>();
  for (const one of all.toSorted((first, second) => second.score - first.score)) {
    const key = `${one.target.kind} ${codeOf(one.target)}`;
    if (!best.has(key)) best.set(key, one);
  }
  return [...best.values()].slice(0, 2 * MOST);
}

function suggestionsOf(
  word: string,
  known: readonly { word: string; meaning: TermTarget }[],
  source: Suggestion['source'],
): Suggestion[] {
  return similarTo(word, known, MOST).map(({ word: like, meaning, score }) => ({
    word: like,
    target: meaning,
    score: rounded(score),
    source,
  }));
}

const rounded = (score: number) => Math.round(score * 100) / 100;
