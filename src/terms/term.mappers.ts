import { lookUpTerm, type TermIndex } from '../mapping/words/concept.map.js';
import type { TermAnswer, TermQuestion } from '../mapping/words/term.js';
import { wordKey } from './word.key.js';

/**
 * One link of the chain from words to concepts: `mapped` and `ignored` settle a word, `ambiguous` and `unmapped` hand it on. A terminology
 * server is no link: what it finds for free text are suggestions (`TermSuggester`), and a person takes them or not.
 */
export interface TermMapper {
  map(question: TermQuestion): TermAnswer;
}

/** The shipped ConceptMap: exact after folding, guarded against negations, relatives and doubts. */
export class ConceptMapTerms implements TermMapper {
  constructor(private readonly index: TermIndex) {}

  map(question: TermQuestion): TermAnswer {
    return lookUpTerm(this.index, question);
  }
}

/** What people decided, as it stood when it was read; it does not change while a chunk of rows is mapped. */
export class DecidedTerms implements TermMapper {
  constructor(private readonly decided: ReadonlyMap<string, TermAnswer>) {}

  map({ language, text }: TermQuestion): TermAnswer {
    const found = this.decided.get(decisionKey(language, wordKey(text)));
    return found ?? { outcome: 'unmapped', source: 'decision' };
  }
}

/** The links in their order; the first that settles a word wins. What none settles waits, as ambiguous when any link called it so. */
export class TermChain implements TermMapper {
  constructor(private readonly links: readonly TermMapper[]) {}

  map(question: TermQuestion): TermAnswer {
    let open: TermAnswer = { outcome: 'unmapped', source: 'inbox' };
    for (const link of this.links) {
      const answer = link.map(question);
      if (answer.outcome === 'mapped' || answer.outcome === 'ignored') return answer;
      if (answer.outcome === 'ambiguous') open = answer;
    }
    return open;
  }
}

/** The key of a decision in {@link DecidedTerms}. */
export const decisionKey = (language: string, key: string): string => `${language}:${key}`;
