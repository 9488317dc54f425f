import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { indexConceptMap, lookUpTerm } from '../../src/mapping/words/concept.map.js';
import { SHIPPED_TERMS } from '../../src/mapping/defaults.js';
import { isConceptId } from '../../src/mapping/values/snomed.id.js';
import type { TermTarget } from '../../src/mapping/words/term.js';

const index = indexConceptMap(SHIPPED_TERMS);
const look = (text: string, language: 'pt' | 'en' | 'es' = 'pt') =>
  lookUpTerm(index, { text, column: 'note', language });
const codeOf = (target: TermTarget) =>
  target.kind === 'condition' ? target.coding.code : target.value[0]?.code;
function found(text: string, language: 'pt' | 'en' | 'es' = 'pt') {
  const answer = look(text, language);
  return answer.outcome === 'mapped' ? codeOf(answer.target) : answer.outcome;
}

describe('words', () => {
  it.each([
    ['Diabético', '73211009'],
    ['DIABÉTICA', '73211009'],
    ['diabeticos', '73211009'],
    ['portadora de diabetes', '73211009'],
    ['Portador de HAS.', '38341003'],
    ['hipertensa', '38341003'],
    ['tem pressão alta', '38341003'],
    ['DM', '73211009'],
    ['DM2', '44054006'],
    ['diabetes  tipo-2', '44054006'],
    ['DPOC', '13645005'],
    ['Gestantes', '77386006'],
    ['Grávida', '77386006'],
    ['73211009', '73211009'],
  ])('%s is %s', (text, code) => {
    expect(found(text)).toBe(code);
  });

  it.each([
    'não diabético',
    'nao e diabetico',
    'nega diabetes',
    'sem hipertensão',
    'ex-hipertenso',
    'mãe diabética',
    'pai com DM',
    'hist. familiar de diabetes',
    'diabético?',
    'suspeita de DPOC',
    'risco de diabetes',
  ])('%s is ambiguous', (text) => {
    expect(look(text).outcome).toBe('ambiguous');
  });

  it.each([
    'Diabétco',
    'DM -',
    'HIV (-)',
    'diabetes e hipertensão',
    '73211008',
    '12345678',
    'constructor',
    '__proto__',
  ])('%s is unknown', (text) => {
    expect(look(text).outcome).toBe('unmapped');
  });

  it('are of a language: HAS is Portuguese, HTN English', () => {
    expect([found('HAS', 'pt'), found('HAS', 'en'), found('HTN', 'en'), found('HTN', 'pt')]).toEqual([
      '38341003',
      'unmapped',
      '38341003',
      'unmapped',
    ]);
  });

  it('have two meanings when a map says so, and are ambiguous then', () => {
    const group = [
      {
        source: 'urn:radgate:words:pt',
        target: 'http://snomed.info/sct',
        element: [
          {
            code: 'pressão',
            target: ['38341003', '73211009'].map((code) => ({ code, equivalence: 'equivalent' as const })),
          },
        ],
      },
    ];
    const double = indexConceptMap({ resourceType: 'ConceptMap', url: 'urn:x', version: '1', group });
    expect(lookUpTerm(double, { text: 'Pressão', column: 'note', language: 'pt' }).outcome).toBe('ambiguous');
  });
});

describe('the shipped map', () => {
  it('has no word with two meanings and knows a few dozen concepts', () => {
    expect([...index.values()].filter((targets) => targets.length !== 1)).toEqual([]);
    const codes = new Set([...index.values()].flat().map(codeOf));
    expect(codes.size).toBeGreaterThan(40);
    expect(codes).not.toContain('161713000');
  });

  it('says whose codes they are, as the NOTICE does', async () => {
    const root = join(import.meta.dirname, '../..');
    const shipped = await readFile(join(root, 'src/mapping/words/terms.concept-map.json'), 'utf8');
    const notice = await readFile(join(root, 'NOTICE'), 'utf8');
    for (const text of [shipped, notice])
      for (const name of ['SNOMED International', 'CC BY 4.0', 'Regenstrief']) expect(text).toContain(name);
    expect(notice).toContain('src/mapping/words/terms.concept-map.json');
    expect(notice).toContain('https://creativecommons.org/licenses/by/4.0/');
    expect(notice).toContain('http://loinc.org/license');
  });
});

describe('a SNOMED CT concept identifier', () => {
  it.each(['73211009', '38341003', '77386006', '44054006', '9014002', '900000000000207008', '11000146104'])(
    '%s is one',
    (id) => {
      expect(isConceptId(id)).toBe(true);
    },
  );
  it.each([
    '73211008',
    '7321109',
    '37211009',
    '73211019',
    '073211009',
    '12345',
    '1234567890123456789',
    '7321100a',
    '751689013',
  ])('%s is none', (id) => {
    expect(isConceptId(id)).toBe(false);
  });
});
