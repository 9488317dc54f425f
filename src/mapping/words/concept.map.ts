import type { Coding, ConceptMap } from '@medplum/fhirtypes';
import { z } from 'zod';
import { isConceptId, looksLikeCode } from '../values/snomed.id.js';
import { type LookUp, SNOMED, type TermAnswer, type TermQuestion, type TermTarget } from './term.js';
import { foldTerm, isGuarded } from './term.folding.js';

/** The property of a target's `product` that names the Observation's code. */
export const OBSERVATION_CODE = 'urn:radgate:observation-code';
/** The property of a target's `product` that is a further coding of the Observation's value. */
export const OBSERVATION_VALUE = 'urn:radgate:observation-value';
/** The source of a group's words; a language follows. */
export const WORDS = 'urn:radgate:words:';

/** The equivalence of a word that people decided to mean nothing to record. */
export const UNMATCHED = 'unmatched';
/** What is taken for the meaning of a word; a wider, narrower or inexact concept is none. */
const MEANING = new Set(['equivalent', 'equal']);

const Product = z.object({
  property: z.string(),
  system: z.string(),
  value: z.string(),
  display: z.string().optional(),
});
const Target = z
  .object({
    code: z.string().min(1).optional(),
    display: z.string().optional(),
    equivalence: z.enum([
      'relatedto',
      'equivalent',
      'equal',
      'wider',
      'narrower',
      'inexact',
      UNMATCHED,
      'disjoint',
    ]),
    product: z.array(Product).optional(),
  })
  .refine(({ code, equivalence }) => code !== undefined || equivalence === UNMATCHED, 'A code is missing.');
const Group = z
  .object({
    source: z.string().startsWith(WORDS),
    target: z.string(),
    element: z.array(z.object({ code: z.string().min(1), target: z.array(Target).min(1) })),
  })
  .refine(
    ({ target, element }) =>
      target !== SNOMED ||
      element.every((word) => word.target.every(({ code }) => code === undefined || isConceptId(code))),
    'A code is no SNOMED CT concept identifier.',
  );

/** The parts of an R4 ConceptMap that say what words mean: words of a language (`urn:radgate:words:pt`) → SNOMED CT. */
export const TermConceptMap = z.object({
  resourceType: z.literal('ConceptMap'),
  url: z.string(),
  version: z.string(),
  group: z.array(Group),
});
export type TermConceptMap = z.infer<typeof TermConceptMap>;

/** Folded words → their meanings, by language. */
export type TermIndex = ReadonlyMap<string, readonly TermTarget[]>;

/** A word of a ConceptMap; `unmatched` when the map says that it means nothing to record. */
export interface MappedWord {
  readonly language: string;
  readonly word: string;
  readonly targets: readonly TermTarget[];
  readonly unmatched: boolean;
}

const keyOf = (language: string, term: string) => `${language}:${term}`;

/** The words of a ConceptMap with their meanings. */
export function wordsOf(map: TermConceptMap): MappedWord[] {
  return map.group.flatMap(({ source, target: system, element }) =>
    element.map(({ code, target }) => ({
      language: source.slice(WORDS.length),
      word: code,
      targets: target.flatMap((one) => targetOf(system, one) ?? []),
      unmatched: target.every(({ equivalence }) => equivalence === UNMATCHED),
    })),
  );
}

/** Folds a ConceptMap's words once; concept identifiers that cannot be right are a fault of the map. */
export function indexConceptMap(map: TermConceptMap | ConceptMap): TermIndex {
  const index = new Map<string, TermTarget[]>();
  for (const { language, word, targets } of wordsOf(TermConceptMap.parse(map))) {
    const key = keyOf(language, foldTerm(word));
    const known = index.get(key) ?? [];
    const fresh = targets.filter((one) => !known.some((other) => same(one, other)));
    if (targets.length > 0) index.set(key, [...known, ...fresh]);
  }
  return index;
}

function targetOf(
  system: string,
  { code, display, equivalence, product = [] }: z.infer<typeof Target>,
): TermTarget | undefined {
  if (code === undefined || !MEANING.has(equivalence)) return undefined;
  const coding = codingOf(system, code, display);
  const codings = (property: string) =>
    product
      .filter((one) => one.property === property)
      .map((one) => codingOf(one.system, one.value, one.display));
  const [observed] = codings(OBSERVATION_CODE);
  if (observed === undefined) return { kind: 'condition', coding };
  return { kind: 'observation', code: observed, value: [coding, ...codings(OBSERVATION_VALUE)] };
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
