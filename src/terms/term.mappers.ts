import { lookUpTerm, type TermIndex } from '../mapping/words/concept.map.js';
import type { TermAnswer, TermQuestion } from '../mapping/words/term.js';
import { wordKey } from './word.key.js';

/**
 * Maps words to concepts. The outcomes `mapped` and `ignored` are final. After `ambiguous` or `unmapped`, the next mapper is tried. A
 * terminology server is not a mapper. It gives only suggestions (`TermSuggester`), and a person decides.
 */
export interface TermMapper {
  map(question: TermQuestion): TermAnswer;
}

/**
 * Maps words by the shipped ConceptMap. Only exact matches after folding are mapped. A text with a guard word (negation, past, other person
 * or doubt) is ambiguous.
 */
export class ConceptMapTerms implements TermMapper {
  constructor(private readonly index: TermIndex) {}

  map(question: TermQuestion): TermAnswer {
    return lookUpTerm(this.index, question);
  }
}

/** Maps words by decisions that were read earlier. These decisions do not change during the mapping of a chunk. */
export class DecidedTerms implements TermMapper {
  constructor(private readonly decided: ReadonlyMap<string, TermAnswer>) {}

  map({ language, text }: TermQuestion): TermAnswer {
    const found = this.decided.get(decisionKey(language, wordKey(text)));
    return found ?? { outcome: 'unmapped', source: 'decision' };
  }
}

/**
 * Tries mappers in order and returns the first final answer. Without a final answer, the word is `ambiguous` if any mapper returned
 * `ambiguous`. Otherwise the word is `unmapped`.
 */
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
