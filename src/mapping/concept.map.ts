import type { Coding, ConceptMap } from '@medplum/fhirtypes';
import { z } from 'zod';
import { isConceptId, looksLikeCode } from './snomed.id.js';
import { type LookUp, SNOMED, type TermAnswer, type TermQuestion, type TermTarget } from './term.js';
import { foldTerm, isGuarded } from './term.folding.js';

/** The property of a target's `product` that names the Observation's code. */
export const OBSERVATION_CODE = 'urn:radgate:observation-code';
/** The property of a target's `product` that is a further coding of the Observation's value. */
export const OBSERVATION_VALUE = 'urn:radgate:observation-value';
/** The source of a group's words; a language follows. */
export const WORDS = 'urn:radgate:words:';

const Product = z.object({
  property: z.string(),
  system: z.string(),
  value: z.string(),
  display: z.string().optional(),
});
const Target = z.object({
  code: z.string(),
  display: z.string().optional(),
  equivalence: z.enum([
    'relatedto',
    'equivalent',
    'equal',
    'wider',
    'narrower',
    'inexact',
    'unmatched',
    'disjoint',
  ]),
  product: z.array(Product).optional(),
});
const Group = z.object({
  source: z.string().startsWith(WORDS),
  target: z.string(),
  element: z.array(z.object({ code: z.string().min(1), target: z.array(Target).min(1) })),
});

/** The parts of an R4 ConceptMap that say what words mean: words of a language (`urn:radgate:words:pt`) → SNOMED CT. */
export const TermConceptMap = z.object({
  resourceType: z.literal('ConceptMap'),
  url: z.string(),
  version: z.string(),
  group: z.array(Group).min(1),
});
export type TermConceptMap = z.infer<typeof TermConceptMap>;

/** Folded words → their meanings, by language. */
export type TermIndex = ReadonlyMap<string, readonly TermTarget[]>;

const keyOf = (language: string, term: string) => `${language}:${term}`;

/** Folds a ConceptMap's words once; concept identifiers that cannot be right are a fault of the map. */
export function indexConceptMap(map: TermConceptMap | ConceptMap): TermIndex {
  const index = new Map<string, TermTarget[]>();
  for (const group of TermConceptMap.parse(map).group) {
    for (const element of group.element) {
      const key = keyOf(group.source.slice(WORDS.length), foldTerm(element.code));
      const known = index.get(key) ?? [];
      const fresh = element.target.map((target) => targetOf(group.target, target));
      index.set(key, [...known, ...fresh.filter((one) => !known.some((other) => same(one, other)))]);
    }
  }
  return index;
}

function targetOf(system: string, target: z.infer<typeof Target>): TermTarget {
  if (system === SNOMED && !isConceptId(target.code))
    throw new Error(`The ConceptMap names ${target.code}, which is no SNOMED CT concept identifier.`);
  const coding = codingOf(system, target.code, target.display);
  const codings = (property: string) =>
    (target.product ?? [])
      .filter((product) => product.property === property)
      .map((product) => codingOf(product.system, product.value, product.display));
  const [code] = codings(OBSERVATION_CODE);
  if (code === undefined) return { kind: 'condition', coding };
  return { kind: 'observation', code, value: [coding, ...codings(OBSERVATION_VALUE)] };
}

const codingOf = (system: string, code: string, display?: string): Coding =>
  display === undefined ? { system, code } : { system, code, display };

const same = (one: TermTarget, other: TermTarget) => JSON.stringify(one) === JSON.stringify(other);

/**
 * The first link of the chain. Exact after folding only; what negates, doubts or speaks of somebody else is ambiguous, never
 * mapped; a word with two meanings is ambiguous; a typed code is taken when the map knows its concept.
 */
export function lookUpTerm(index: TermIndex, question: TermQuestion): TermAnswer {
  const source = 'concept-map';
  if (looksLikeCode(question.text)) return lookUpCode(index, question.text.trim());
  const direct = index.get(keyOf(question.language, foldTerm(question.text)));
  const [only] = direct ?? [];
  // A guard within a term of the map ("pré-diabetes") was put there knowingly: the whole text is the term.
  if (only !== undefined && direct?.length === 1) return { outcome: 'mapped', target: only, source };
  if (only !== undefined || isGuarded(question.text)) return { outcome: 'ambiguous', source };
  return { outcome: 'unmapped', source };
}

function lookUpCode(index: TermIndex, code: string): TermAnswer {
  const source = 'typed-code';
  if (!isConceptId(code)) return { outcome: 'unmapped', source };
  for (const targets of index.values())
    for (const target of targets)
      if (target.kind === 'condition' && target.coding.code === code)
        return { outcome: 'mapped', target, source };
  return { outcome: 'unmapped', source };
}

/** Makes the `lookUp` that `mapRow` takes from an index alone, without people's decisions. */
export const lookUpIn =
  (index: TermIndex): LookUp =>
  (question) =>
    lookUpTerm(index, question);
