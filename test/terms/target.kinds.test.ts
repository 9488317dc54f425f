import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SHIPPED_TERMS } from '../../src/mapping/defaults.js';
import { isLoinc, isLoincAnswer } from '../../src/mapping/values/loinc.js';
import { wordsOf } from '../../src/mapping/words/concept.map.js';
import { kindFaultOf, semanticTag } from '../../src/terms/target.kinds.js';
import { DecidedTarget, meaningOf } from '../../src/terms/term.target.js';

const SNOMED = 'http://snomed.info/sct';
const LOINC = 'http://loinc.org';
const TESTS = '82810-3 8480-6 8462-4 29463-7 8302-2 39156-5 8867-4 8310-5 2339-0 4548-4 718-7 2160-0 20565-8';
const ANSWERS = 'LA15173-0 LA6576-8 LA6577-6 LA33-6 LA32-8 LA2-8 LA3-6 LA46-8 LA4489-6 LA12688-0';

describe('a LOINC code', () => {
  it('is known by its form and its check digit', () => {
    expect(TESTS.split(' ').filter((code) => !isLoinc(code))).toEqual([]);
    expect(ANSWERS.split(' ').filter((code) => !isLoincAnswer(code))).toEqual([]);
  });

  it('with another check digit, or in another form, is none', () => {
    const codes = fc.constantFrom(...TESTS.split(' '), ...ANSWERS.split(' '));
    fc.assert(
      fc.property(codes, fc.integer({ min: 1, max: 9 }), (code, by) => {
        const wrong = `${code.slice(0, -1)}${(Number(code.at(-1)) + by) % 10}`;
        expect([isLoinc(wrong), isLoincAnswer(wrong)]).toEqual([false, false]);
      }),
    );
    for (const code of ['82810', '82810-', ' 82810-3', '082810-3', 'LP7839-6', '82810-3 ', 'la33-6', ''])
      expect([isLoinc(code), isLoincAnswer(code)]).toEqual([false, false]);
  });
});

const condition = (code: string, display?: string, system = SNOMED) => ({
  kind: 'condition' as const,
  coding: { system, code, ...(display === undefined ? {} : { display }) },
});
type Named = readonly [system: string, code: string, display?: string];
const codingOf = ([system, code, display]: Named) =>
  display === undefined ? { system, code } : { system, code, display };
const observation = (code: Named, value: Named) => ({
  kind: 'observation' as const,
  code: codingOf(code),
  value: [codingOf(value)],
});
const STATUS: Named = [LOINC, '82810-3'];
const ANSWER: Named = [LOINC, 'LA15173-0'];

describe('the target of a decision', () => {
  it.each([
    ['a finding', condition('73211009', 'Diabetes mellitus (disorder)')],
    ['a name with brackets that are no tag', condition('4556007', 'Gastritis (acute)')],
    ['a code without a name', condition('80146002')],
    ['a code of ICD-10', condition('K29.7', undefined, 'http://hl7.org/fhir/sid/icd-10')],
    ['a test with an answer', observation(STATUS, ANSWER)],
    [
      'an observable entity',
      observation([SNOMED, '363787002', 'Observable entity (observable entity)'], ANSWER),
    ],
  ])('can be %s', (_, target) => {
    expect(kindFaultOf(DecidedTarget.parse(target))).toBeUndefined();
  });

  it.each([
    ['coding.code', condition('80146002', 'Excision of appendix (procedure)')],
    ['coding.code', condition('80146002', 'Apendicectomía (procedimiento)')],
    ['coding.code', condition('387207008', 'Ibuprofen (Substance) ')],
    ['coding.code', condition('82810-3', undefined, LOINC)],
    ['coding.code', condition('mg', undefined, 'http://unitsofmeasure.org')],
    ['code.code', observation([SNOMED, '73211009', 'Diabetes mellitus (disorder)'], ANSWER)],
    ['code.code', observation(['http://hl7.org/fhir/sid/icd-10', 'E11'], ANSWER)],
    ['code.code', observation(ANSWER, ANSWER)],
    ['value.0.code', observation(STATUS, [SNOMED, '80146002', 'Excision of appendix (procedure)'])],
    ['value.0.code', observation(STATUS, STATUS)],
  ])('cannot have a code of another kind (%s)', (field, target) => {
    expect(kindFaultOf(DecidedTarget.parse(target))).toMatchObject({
      field,
      detail: expect.stringMatching(/\. Use another (?:concept|code)\.$/),
    });
  });

  it('with a wrong check digit is refused', () => {
    for (const target of [
      condition('73211008'),
      observation([LOINC, '82810-4'], ANSWER),
      observation(STATUS, [LOINC, 'LA15173-1']),
    ])
      expect(DecidedTarget.safeParse(target).success).toBe(false);
  });

  it('of the shipped ConceptMap can be decided', () => {
    for (const { targets } of wordsOf(SHIPPED_TERMS))
      for (const target of targets) expect(kindFaultOf(DecidedTarget.parse(target))).toBeUndefined();
  });

  it('keeps its meaning whatever its name is, and its name', () => {
    const named = DecidedTarget.parse(condition('4556007', 'Gastritis (disorder)'));
    expect(named).toMatchObject({ coding: { display: 'Gastritis (disorder)' } });
    expect(meaningOf(named)).toBe(meaningOf(DecidedTarget.parse(condition('4556007'))));
    expect(meaningOf(named)).not.toBe(meaningOf(null));
    expect(semanticTag('x (Trastorno)')).toBe('trastorno');
  });
});
