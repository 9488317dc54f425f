import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/imports/writing/row.decision.js';
import {
  chooseTarget,
  type CodeTarget,
  mappedSystems,
  relationOf,
} from '../../src/mapping/words/code.map.js';
import { mergeCondition } from '../../src/mapping/owned.merge.js';
import { MappingDocument } from '../../src/mapping/mapping.document.js';
import { mapRow } from '../../src/mapping/row.mapping.js';
import type { RowPlan } from '../../src/mapping/row.plan.js';
import { SHIPPED_TERMS } from '../../src/mapping/defaults.js';
import { PREGNANT } from '../../src/mapping/words/term.js';
import { CONCEPTS_WITH_CODES, contradicts } from '../../src/mapping/words/icd.of.concepts.js';
import { findIcdCode, icdCode } from '../../src/mapping/values/icd.js';
import { shipped } from '../csv/csv.reading.ts';
import { context } from './mapping.world.ts';

const english = shipped('english-plain');
const ICD = 'http://hl7.org/fhir/sid/icd-10';
const coded = MappingDocument.parse({
  ...english,
  columns: { ...english.columns, icd: { type: 'list' } },
  words: [{ ...english.words[0], codes: { split: 'icd', by: ['|', ';'], system: ICD } }],
});

function planOf(
  cells: Record<string, string>,
  document = coded,
  using = context,
): { plan: RowPlan; codes: string[] } {
  const row = new Map(Object.entries({ mrn: 'A-1', family_name: 'Example', ...cells }));
  const { issues, ...outcome } = mapRow(document, row, using);
  if (outcome.outcome === 'rejected') throw new Error(issues.map(({ code }) => code).join(' '));
  return { plan: outcome.plan, codes: issues.map(({ code }) => code) };
}
const shown = (cells: Record<string, string>, document = coded) => {
  const { plan, codes } = planOf(cells, document);
  const conditions = plan.conditions.map(({ code }) =>
    [...(code?.coding?.map((one) => one.code) ?? []), code?.text].join(' '),
  );
  return { conditions, waiting: plan.waiting.map(({ text }) => text), codes };
};

describe('a word and an ICD-10 code of one diagnosis', () => {
  it('are codings of one Condition if they fit, and are not written if they contradict each other', () => {
    expect(shown({ conditions: 'diabetes|hypertension', icd: 'E11.9|I10' })).toMatchObject({
      conditions: ['73211009 E11.9 diabetes', '38341003 I10 hypertension'],
      codes: [],
    });
    expect(shown({ conditions: 'diabetes|asthma', icd: 'I10|J45' })).toMatchObject({
      conditions: ['195967001 J45 asthma'],
      codes: ['icd-code-contradicts'],
    });
    expect(shown({ conditions: 'type 2 diabetes', icd: 'E10.9' })).toMatchObject({
      conditions: [],
      codes: ['icd-code-contradicts'],
    });
    // A history of a disease is not the disease, and nothing is known about the codes of another concept.
    expect(shown({ conditions: 'diabetes', icd: 'Z83.3' }).conditions).toEqual([]);
    expect(contradicts('4556007', 'I10')).toBe(false);
  });

  const concepts = SHIPPED_TERMS.group
    .flatMap(({ element }) => element)
    .flatMap(({ target }) => target.flatMap(({ code }) => code ?? []));

  it('are compared for each shipped concept', () => {
    expect([...CONCEPTS_WITH_CODES].sort()).toEqual([...new Set(concepts)].sort());
  });

  it('never give one Condition with codings that contradict each other', () => {
    const icd = fc.stringMatching(/^[A-O]\d\d\.\d$/);
    fc.assert(
      fc.property(fc.constantFrom(...concepts.filter((one) => one !== PREGNANT)), icd, (concept, code) => {
        const { conditions, codes } = shown({ conditions: concept, icd: code });
        const isContrary = contradicts(concept, code);
        expect(codes.includes('icd-code-contradicts')).toBe(isContrary);
        if (isContrary) expect(conditions).toEqual([]);
      }),
    );
  });
});

it.each([
  ['E11.9', 'E11.9'],
  ['e119', 'E11.9'],
  ['I10', 'I10'],
  ['S72.001A', 'S72.001A'],
  ['G63.2*', 'G63.2'],
  ['C7A.020', 'C7A.020'],
  ['H1N1', undefined],
  ['G6PD', undefined],
  ['A1C', undefined],
  ['diabetes', undefined],
  ['73211009', undefined],
  ['E1', undefined],
])('the ICD-10 code of %s is %s', (text, code) => {
  expect(icdCode(text)).toBe(code);
});

it.each([
  ['I10', 'I10', 'I10'],
  ['E11.9 Type 2 diabetes', 'E11.9', 'Type 2 diabetes'],
  ['[E11.9] Type 2 diabetes', 'E11.9', 'Type 2 diabetes'],
  ['I10 - Hypertension', 'I10', 'Hypertension'],
  ['I10: Hypertension', 'I10', 'Hypertension'],
  ['Asthma (J45.9)', 'J45.9', 'Asthma'],
  ['T12 fracture', undefined, undefined],
  ['I10?', undefined, undefined],
  ['H1N1 - influenza', undefined, undefined],
  ['Asthma', undefined, undefined],
  ['E11.90 G', 'E11.90', 'E11.90'],
  ['M17.1 R G', 'M17.1', 'M17.1'],
  ['E11.90 V', undefined, undefined],
  ['E11.90 A', undefined, undefined],
  ['M17.1 R V', undefined, undefined],
  ['E11.-', 'E11', 'E11.-'],
])('the text %s has the code %s and the words %s', (text, code, words) => {
  expect(findIcdCode(text)).toEqual(code === undefined ? undefined : { code, words });
});

it.each([
  ['S72.001A', `${ICD}-cm`, 'S72.001A'],
  ['S72.001A', ICD, undefined],
  ['E11.90V', 'http://fhir.de/CodeSystem/bfarm/icd-10-gm', undefined],
  ['E11.90', 'http://fhir.de/CodeSystem/bfarm/icd-10-gm', 'E11.90'],
  ['C7A.0', ICD, undefined],
])('the text %s has in the system %s the code %s', (text, system, code) => {
  expect(icdCode(text, system)).toBe(code);
});

describe('a column with codes and words', () => {
  const mixed = MappingDocument.parse({
    ...english,
    words: [{ ...english.words[0], codes: { split: 'conditions', by: ['|', ';'], system: ICD } }],
  });
  it.each([
    ['I10; e119', ['I10 I10', 'E11.9 e119'], [], []],
    ['Asthma (J45.9)', ['195967001 J45.9 Asthma (J45.9)'], [], []],
    ['J45.9 Odd word; Asthma', ['J45.9 J45.9 Odd word', '195967001 Asthma'], [], []],
    ['Odd word; I10', ['I10 I10'], ['Odd word'], ['term-unmapped']],
    ['N18.3', ['N18.3 N18.3'], [], []],
    ['J45.9 - no asthma', [], ['no asthma'], ['term-ambiguous']],
    ['I10?', [], ['I10?'], ['term-ambiguous']],
  ])('as %s needs no decision about a code', (conditions, expected, waiting, codes) => {
    expect(shown({ conditions }, mixed)).toEqual({ conditions: expected, waiting, codes });
  });

  it('does not repeat a code that a person has decided', () => {
    const coding = { system: ICD, code: 'I10' };
    const lookUp = () => ({
      outcome: 'mapped' as const,
      target: { kind: 'condition' as const, coding },
      source: 'decision',
    });
    const { plan } = planOf({ conditions: 'I10' }, mixed, { ...context, lookUp });
    expect(plan.conditions.map(({ code }) => code?.coding)).toEqual([[coding]]);
  });
});

describe('the ICD-10 codes of a list', () => {
  it.each([
    [{ conditions: 'Asthma', icd: 'J45.9' }, ['195967001 J45.9 Asthma'], [], []],
    [{ conditions: 'Odd word', icd: 'J459' }, ['J45.9 Odd word'], [], []],
    [{ icd: 'E11.9; I10' }, ['E11.9 E11.9', 'I10 I10'], [], []],
    [{ conditions: 'Asthma;', icd: 'J45.9;I10' }, ['195967001 J45.9 Asthma', 'I10 I10'], [], []],
    [{ conditions: 'no asthma', icd: 'J45.9' }, [], ['no asthma'], ['term-ambiguous']],
    [{ conditions: 'Asthma', icd: 'J' }, ['195967001 Asthma'], [], ['icd-code-invalid']],
    [{ conditions: 'Odd word', icd: 'J' }, [], ['Odd word'], ['icd-code-invalid', 'term-unmapped']],
  ])('in %j are codings of Conditions', (cells, conditions, waiting, codes) => {
    expect(shown(cells)).toEqual({ conditions, waiting, codes });
  });

  it('give no second Condition when the word becomes known later', () => {
    const before = planOf({ conditions: 'Odd word', icd: 'J45.9' }).plan.conditions.map((one) =>
      Object.assign({ ...one }, { id: 'c1', meta: { versionId: '1' } }),
    );
    const { plan } = planOf({ conditions: 'Asthma', icd: 'J45.9' });
    const patient = { ...plan.patient, id: 'p1', meta: { versionId: '1' } };
    const known = {
      patients: [patient],
      records: new Map(before.map((one) => [one.identifier?.[0]?.value ?? '', one])),
    };
    const options = { policy: 'upsert', corrections: 'reject' } as const;
    const { state, writes } = decide({ row: 2, plan, issues: [] }, known, options);
    expect(state).toBe('updated');
    expect(writes?.records).toMatchObject([{ action: 'update', id: 'c1' }]);
  });
});

const target = (code: string, relation: CodeTarget['relation']) => ({ code, relation });

describe('the concept for an ICD-10 code', () => {
  it.each([
    [[], 'unmapped'],
    [[target('1', 'same')], '1'],
    [[target('1', 'wider')], '1'],
    [[target('1', 'wider'), target('2', 'same'), target('3', 'wider')], '2'],
    [[target('1', 'same'), target('1', 'wider')], '1'],
    [[target('1', 'wider'), target('1', 'same'), target('2', 'wider')], '1'],
    [[target('1', 'same'), target('2', 'same')], 'ambiguous'],
    [[target('1', 'wider'), target('2', 'wider')], 'ambiguous'],
  ])('of the targets %j is %s', (targets, expected) => {
    const answer = chooseTarget(targets);
    expect(answer.outcome === 'mapped' ? answer.coding.code : answer.outcome).toBe(expected);
  });

  it.each([
    ['equivalent', 'same', 'same'],
    ['equal', 'same', 'same'],
    ['wider', 'wider', undefined],
    ['subsumes', 'wider', undefined],
    ['narrower', undefined, 'wider'],
    ['specializes', undefined, 'wider'],
    ['relatedto', undefined, undefined],
    ['inexact', undefined, undefined],
    ['disjoint', undefined, undefined],
    ['unmatched', undefined, undefined],
  ])('with the equivalence %s is %s, and %s if the map leads from SNOMED CT', (equivalence, to, from) => {
    expect([relationOf(equivalence, false), relationOf(equivalence, true)]).toEqual([to, from]);
  });

  it('of CID-10 comes from a map of ICD-10, and that of ICD-10-CM does not', () => {
    expect(mappedSystems('http://www.saude.gov.br/fhir/r4/CodeSystem/BRCID10')).toContain(ICD);
    expect(mappedSystems(`${ICD}-cm`)).toEqual([`${ICD}-cm`]);
  });
});

describe('a loaded map', () => {
  const concept = { system: 'http://snomed.info/sct', code: '38341003' };
  const codes = ({ code }: { code?: string }) => {
    if (code === 'I10' || code === 'J45.0') return { outcome: 'mapped' as const, coding: concept };
    return { outcome: code === 'J45.9' ? ('ambiguous' as const) : ('unmapped' as const) };
  };
  const codingsOf = (cells: Record<string, string>) => {
    const { plan, codes: found } = planOf(cells, coded, { ...context, codes });
    return { codes: plan.conditions.map(({ code }) => code?.coding?.map((one) => one.code)), found };
  };
  it.each([
    [{ icd: 'I10' }, [['I10', '38341003']], []],
    [{ icd: 'E11.9' }, [['E11.9']], []],
    [{ icd: 'J45.9' }, [['J45.9']], ['icd-code-ambiguous']],
    [{ conditions: 'Odd word', icd: 'I10' }, [['I10', '38341003']], []],
    // The concept of the word is kept, because a person or the shipped map has chosen it.
    [{ conditions: 'Asthma', icd: 'J45.0' }, [['195967001', 'J45.0']], []],
  ])('gives the codes of %j', (cells, expected, found) => {
    expect(codingsOf(cells)).toEqual({ codes: expected, found });
  });

  it('adds its concept to the Condition that an earlier list has given, and to no Condition with another code', () => {
    const [before] = planOf({ icd: 'I10' }).plan.conditions;
    const [after] = planOf({ icd: 'I10' }, coded, { ...context, codes }).plan.conditions;
    if (before === undefined || after === undefined) throw new Error('no Condition');
    expect(after.identifier).toEqual(before.identifier);
    const { resource, changes } = mergeCondition(before, after);
    expect(resource.code?.coding).toEqual([{ system: ICD, code: 'I10' }, concept]);
    expect(changes.map(({ element }) => element)).toEqual(['code']);
    expect(mergeCondition(resource, after).changes).toEqual([]);
    // Another version of the map, or a person, has chosen another concept.
    const other = { ...before, code: { coding: [{ ...concept, code: '73211009' }] } };
    expect(mergeCondition(other, after).changes).toEqual([]);
    const chosen = {
      ...before,
      code: {
        coding: [
          { system: ICD, code: 'I10' },
          { ...concept, code: '59621000' },
        ],
      },
    };
    expect(mergeCondition(chosen, after).changes).toEqual([]);
  });
});
