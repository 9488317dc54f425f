import { assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SNOMED } from '../../src/mapping/words/term.js';
import { CodeMapReader, type MappedCode } from '../../src/terms/code.map.reader.js';

const ICD = 'http://hl7.org/fhir/sid/icd-10';
const HYPERTENSION = '38341003';
const target = (code: string, equivalence = 'equivalent', more: object = {}) => ({
  code,
  equivalence,
  ...more,
});
const mapOf = (group: object[], more: object = {}) => ({
  resourceType: 'ConceptMap',
  url: 'urn:test:map',
  version: '1',
  status: 'active',
  group,
  ...more,
});
const forward = (...element: object[]) => ({ source: ICD, target: SNOMED, element });
const inverse = (...element: object[]) => ({ source: SNOMED, target: ICD, element });

/** Reads a map in parts of some bytes. */
function read(body: string, size = body.length) {
  const bytes = Buffer.from(body);
  const reader = new CodeMapReader();
  const found: MappedCode[] = [];
  for (let at = 0; at < bytes.length; at += size) found.push(...reader.write(bytes.subarray(at, at + size)));
  reader.end();
  return { reader, found };
}
const readMap = (...group: object[]) => {
  const { reader, found } = read(JSON.stringify(mapOf(group)));
  return [...found.map(({ code, target: to, relation }) => `${code} ${to} ${relation}`), reader.leftOut];
};

describe('a ConceptMap', () => {
  it.each([
    ['from ICD-10', forward({ code: 'i10', target: [target(HYPERTENSION)] }), ['I10 38341003 same', 0]],
    [
      'with a wider concept',
      forward({ code: 'I10', target: [target(HYPERTENSION, 'wider')] }),
      ['I10 38341003 wider', 0],
    ],
    ['with a narrower concept', forward({ code: 'I10', target: [target(HYPERTENSION, 'narrower')] }), [1]],
    ['from SNOMED CT', inverse({ code: HYPERTENSION, target: [target('I10')] }), ['I10 38341003 same', 0]],
    ['to a wider code', inverse({ code: HYPERTENSION, target: [target('I10', 'wider')] }), [1]],
    [
      'to a narrower code',
      inverse({ code: HYPERTENSION, target: [target('I10', 'narrower')] }),
      ['I10 38341003 wider', 0],
    ],
    [
      'with a condition',
      forward({ code: 'I10', target: [target(HYPERTENSION, 'equal', { dependsOn: [{}] })] }),
      [1],
    ],
    [
      'with further codes',
      inverse({ code: HYPERTENSION, target: [target('I10', 'equal', { product: [{}] })] }),
      [1],
    ],
    ['with a range of codes', forward({ code: 'I10-I15', target: [target(HYPERTENSION)] }), [1]],
    [
      'without a target',
      forward({ code: 'I10', target: [{ equivalence: 'unmatched' }] }, { code: 'I11' }),
      [1],
    ],
  ])('%s gives its codes', (_, group, expected) => {
    expect(readMap(group)).toEqual(expected);
  });

  it('gives the same codes whatever the parts in which it arrives', () => {
    const element = [
      { code: 'I10', display: 'Hipertensão “essencial” \u00e9 \ud83d\ude00', target: [target(HYPERTENSION)] },
      { code: 'E11.9', target: [target('44054006', 'wider', { display: 'Diabetes tipo 2' })] },
    ];
    const body = JSON.stringify(mapOf([forward(...element), inverse()], { text: { div: '<div/>' } }));
    const whole = read(body).found;
    expect(whole).toHaveLength(2);
    assert(
      property(integer({ min: 1, max: 200 }), (size) => {
        expect(read(body, size).found).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });

  const element = { code: 'I10', target: [target(HYPERTENSION)] };
  it.each([
    ['another resource', mapOf([forward(element)], { resourceType: 'ValueSet' }), 'resourceType'],
    ['a missing url', mapOf([forward(element)], { url: undefined }), 'url'],
    ['an unknown system', mapOf([{ ...forward(element), source: 'icd10' }]), 'group.source'],
    [
      'elements before their systems',
      mapOf([{ element: [element], source: ICD, target: SNOMED }]),
      'group.source',
    ],
    [
      'a group that would take the systems of another',
      mapOf([forward(element), { element: [element] }]),
      'group.source',
    ],
    [
      'the form of R5',
      mapOf([forward({ code: 'I10', target: [{ code: HYPERTENSION, relationship: 'equivalent' }] })]),
      'group.element',
    ],
    ['a wrong check digit', mapOf([forward({ code: 'I10', target: [target('38341004')] })]), 'group.element'],
  ])('with %s is refused', (_, map, field) => {
    expect(() => read(JSON.stringify(map))).toThrow(expect.objectContaining({ field }));
  });

  it.each(['', '{', '[]', '{"resourceType":"ConceptMap"', 'no JSON', '{"url":1}'])(
    'in the body %j is refused',
    (body) => {
      expect(() => read(body, 5)).toThrow(expect.objectContaining({ code: 'invalid-field' }));
    },
  );
});
