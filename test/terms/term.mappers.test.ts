import { describe, expect, it } from 'vitest';
import { indexConceptMap } from '../../src/mapping/words/concept.map.js';
import { SHIPPED_TERMS } from '../../src/mapping/defaults.js';
import type { TermAnswer } from '../../src/mapping/words/term.js';
import { ConceptMapTerms, DecidedTerms, decisionKey, TermChain } from '../../src/terms/term.mappers.js';
import { wordKey } from '../../src/terms/word.key.js';

const gastritis: TermAnswer = {
  outcome: 'mapped',
  target: { kind: 'condition', coding: { system: 'http://snomed.info/sct', code: '4556007' } },
  source: 'decision',
};
const decided = (entries: Readonly<Record<string, TermAnswer>>) =>
  new DecidedTerms(
    new Map(Object.entries(entries).map(([word, answer]) => [decisionKey('pt', wordKey(word)), answer])),
  );
const chain = new TermChain([
  new ConceptMapTerms(indexConceptMap(SHIPPED_TERMS)),
  decided({
    'dor de estômago': gastritis,
    diabético: gastritis,
    'nega diabetes': { outcome: 'ignored', source: 'decision' },
  }),
]);
const ask = (text: string, language: 'pt' | 'en' = 'pt') => chain.map({ text, column: 'note', language });

describe('the chain', () => {
  it('asks the ConceptMap first: a decision cannot turn what it knows round', () => {
    expect(ask('Diabética')).toMatchObject({ outcome: 'mapped', source: 'concept-map' });
  });

  it('asks people’s decisions next, in every spelling of the word, in the language it was decided for', () => {
    expect(ask('DOR DE ESTOMAGO.')).toEqual(gastritis);
    expect(ask('dor de estômago', 'en')).toMatchObject({ outcome: 'unmapped' });
  });

  it('lets people settle what the guards call ambiguous', () => {
    expect(ask('nega diabetes')).toMatchObject({ outcome: 'ignored' });
    expect(ask('nega hipertensão')).toMatchObject({ outcome: 'ambiguous' });
  });

  it('leaves the rest to the inbox', () => {
    expect(ask('zumbidite')).toEqual({ outcome: 'unmapped', source: 'inbox' });
  });
});

describe('the key of a word', () => {
  it('is the same for its spellings and never longer than an index takes', () => {
    const novel = 'sopro sistólico '.repeat(4000);
    expect(wordKey(`${novel} `)).toBe(wordKey(novel.toUpperCase()));
    expect(wordKey(novel)).not.toBe(wordKey(`${novel}!x`));
    expect(Buffer.byteLength(wordKey(novel.replaceAll('s', '漢')))).toBeLessThan(1000);
  });
});
