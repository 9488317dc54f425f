import { lookUpTerm, type TermIndex } from '../mapping/words/concept.map.js';
import type { TermAnswer, TermQuestion } from '../mapping/words/term.js';
import { wordKey } from './word.key.js';

/**
 * Maps words to concepts. `mapped` and `ignored` are final; after `ambiguous` and `unmapped` the next mapper is asked. A terminology
 * server is not a mapper: what it finds are suggestions (`TermSuggester`), and a person decides.
 */
export interface TermMapper {
  map(question: TermQuestion): TermAnswer;
}

/** Maps by the shipped ConceptMap: exact matches after folding, with guards against negation, relatives and doubt. */
export class ConceptMapTerms implements TermMapper {
  constructor(private readonly index: TermIndex) {}

  map(question: TermQuestion): TermAnswer {
    return lookUpTerm(this.index, question);
  }
}

/** Maps by the decisions at the time they were read. They do not change while a chunk is mapped. */
export class DecidedTerms implements TermMapper {
  constructor(private readonly decided: ReadonlyMap<string, TermAnswer>) {}

  map({ language, text }: TermQuestion): TermAnswer {
    const found = this.decided.get(decisionKey(language, wordKey(text)));
    return found ?? { outcome: 'unmapped', source: 'decision' };
  }
}

/** Asks mappers in order. The first final answer wins; otherwise the word waits, as ambiguous if any mapper said so. */
export class TermChain implements TermMapper {
  constructor(private readonly mappers: readonly TermMapper[]) {}

  map(question: TermQuestion): TermAnswer {
    let waiting: TermAnswer = { outcome: 'unmapped', source: 'inbox' };
    for (const mapper of this.mappers) {
      const answer = mapper.map(question);
      if (answer.outcome === 'mapped' || answer.outcome === 'ignored') return answer;
      if (answer.outcome === 'ambiguous') waiting = answer;
    }
    return waiting;
  }
}

/** The key of a decision in {@link DecidedTerms}. */
export const decisionKey = (language: string, key: string): string => `${language}:${key}`;
