import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexConceptMap, lookUpTerm, wordsOf } from '../../src/mapping/words/concept.map.js';
import { SHIPPED_TERMS } from '../../src/mapping/defaults.js';
import { foldTerm } from '../../src/mapping/words/term.folding.js';
import type { TermQuestion } from '../../src/mapping/words/term.js';
import { longForm } from '../support/long.form.ts';

const index = indexConceptMap(SHIPPED_TERMS);
const known = wordsOf(SHIPPED_TERMS);
const keys = new Set(known.map(({ word }) => foldTerm(word)));
const outcomeOf = (text: string, language: string) =>
  lookUpTerm(index, { text, column: 'note', language: languageOf(language) }).outcome;
const languageOf = (text: string): TermQuestion['language'] => (text === 'en' || text === 'es' ? text : 'pt');

const GUARDS = [
  'não|nao|NÃO|ñ|nega|negou|sem|s/|ex-|ex|nunca|curado|ausência de|descartado|afastada|negativo para|( )|[ ]|()',
  'mãe|pai|avó|irmã|tio|esposa|filha com|hist. familiar|hist. familiar de|história familiar de|HF|antecedente de',
  'suspeita de|risco de|pré|investigar',
  'no|not|denies|without|family history of|mother|brother has|suspected|rule out|history of',
  'sin|niega|madre con|sospecha de|ningún',
].flatMap((line) => line.split('|'));

const word = fc.constantFrom(...known);
const guard = fc.constantFrom(...GUARDS);
/** Ways of writing the same text: case, accents, blanks, punctuation. */
const hand = fc.record({
  upper: fc.boolean(),
  plain: fc.boolean(),
  between: fc.constantFrom(' ', '  ', ' - ', ': ', ', ', '. ', '\t', ' / ', ' de ', ' tem ', ' portador de '),
  end: fc.constantFrom('', '.', ' ', '!', ';', ' *'),
});
function written(
  text: string,
  { upper, plain, end }: { upper: boolean; plain: boolean; end: string },
): string {
  const cased = upper ? text.toUpperCase() : text;
  return `${plain ? cased.normalize('NFD').replace(/\p{M}/gu, '') : cased}${end}`;
}

describe('a known word with a guard', () => {
  it('before it is ambiguous, however it is written', () => {
    fc.assert(
      fc.property(word, guard, hand, (known, before, how) => {
        const text = written(`${before}${how.between}${known.word}`, how);
        expect([text, outcomeOf(text, known.language)]).toEqual([text, 'ambiguous']);
      }),
      { numRuns: longForm(3000, 600) },
    );
  });

  it('behind it, or on both sides, is never taken for the word', () => {
    fc.assert(
      fc.property(word, guard, guard, hand, fc.boolean(), (known, before, behind, how, both) => {
        const open = both ? `${before} ` : '';
        const text = written(`${open}${known.word}${how.between}${behind}`, how);
        expect([text, outcomeOf(text, known.language)]).not.toEqual([text, 'mapped']);
      }),
      { numRuns: longForm(3000, 600) },
    );
  });

  it.each([
    'diabético?',
    'DM (?)',
    'mãe diabética',
    'diabetes (mãe)',
    'ex-fumante e hipertenso',
    '( ) HAS (x) DM',
  ])('%s is ambiguous', (text) => {
    expect(outcomeOf(text, 'pt')).toBe('ambiguous');
  });

  it.each([
    ['HAS DM', 'pt'],
    ['HAS, DM', 'pt'],
    ['DM(-)', 'pt'],
    ['HIV -', 'pt'],
    ['(x) diabético', 'pt'],
    ['diabetes 0', 'en'],
  ])('%s is no known word', (text, language) => {
    expect(outcomeOf(text, language)).toBe('unmapped');
  });
});

describe('a known word', () => {
  it('is found in every spelling, and two adjacent words match neither', () => {
    fc.assert(
      fc.property(word, word, hand, (one, other, how) => {
        expect(outcomeOf(written(one.word, how), one.language)).toBe('mapped');
        const both = written(`${one.word}${how.between}${other.word}`, how);
        if (!keys.has(foldTerm(both))) expect(outcomeOf(both, one.language)).not.toBe('mapped');
      }),
      { numRuns: longForm(3000, 600) },
    );
  });
});
