import type { Coding, ConceptMap } from '@medplum/fhirtypes';
import { z } from 'zod';
import { isConceptId, looksLikeCode } from '../values/snomed.id.js';
import { type LookUp, SNOMED, type TermAnswer, type TermQuestion, type TermTarget } from './term.js';
import { foldTerm, isGuarded } from './term.folding.js';

/** The `property` of the `product` element that contains the code of the Observation. */
export const OBSERVATION_CODE = 'urn:radgate:observation-code';
/** The `property` of a `product` element that contains another coding of the value of the Observation. */
export const OBSERVATION_VALUE = 'urn:radgate:observation-value';
/** The prefix of the `source` of a group. The language code follows the prefix, for example `urn:radgate:words:pt`. */
export const WORDS = 'urn:radgate:words:';

/** The equivalence of an ignored word. */
export const UNMATCHED = 'unmatched';
/** The equivalences that are used. Targets with the equivalence wider, narrower or inexact are ignored. */
const EQUIVALENT = new Set(['equivalent', 'equal']);

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
  .refine(
    ({ code, equivalence }) => code !== undefined || equivalence === UNMATCHED,
    'A target needs a code, unless its equivalence is unmatched.',
  );
const Group = z
  .object({
    source: z
      .string()
      .startsWith(
        WORDS,
        'The source is not a language of words, such as urn:radgate:words:en. Load a map of ICD-10 codes with POST /api/terms/code-maps.',
      ),
    target: z.string(),
    element: z.array(z.object({ code: z.string().min(1), target: z.array(Target).min(1) })),
  })
  .refine(
    ({ target, element }) =>
      target !== SNOMED ||
      element.every((word) => word.target.every(({ code }) => code === undefined || isConceptId(code))),
    'A code is not a SNOMED CT concept identifier.',
  );

/** The members of an R4 ConceptMap that are read. Each group maps the words of one language (`urn:radgate:words:pt`) to concepts. */
export const TermConceptMap = z.object({
  resourceType: z.literal('ConceptMap'),
  url: z.string(),
  version: z.string(),
  group: z.array(Group),
});
export type TermConceptMap = z.infer<typeof TermConceptMap>;

/** The targets by key. A key consists of the language and the folded word. */
export type TermIndex = ReadonlyMap<string, readonly TermTarget[]>;

/** A word of a ConceptMap. `unmatched` is true when the map says that the word is ignored. */
export interface MappedWord {
  readonly language: string;
  readonly word: string;
  readonly targets: readonly TermTarget[];
  readonly unmatched: boolean;
}

const keyOf = (language: string, term: string) => `${language}:${term}`;

/** The words of a ConceptMap with their targets. */
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

/** Indexes a ConceptMap by folded word. Throws for invalid SNOMED CT concept identifiers. */
export function indexConceptMap(map: TermConceptMap | ConceptMap): TermIndex {
  const index = new Map<string, TermTarget[]>();
  for (const { language, word, targets } of wordsOf(TermConceptMap.parse(map))) {
    const key = keyOf(language, foldTerm(word));
    const known = index.get(key) ?? [];
    const added = targets.filter((one) => !known.some((other) => same(one, other)));
    if (targets.length > 0) index.set(key, [...known, ...added]);
  }
  return index;
}

function targetOf(
  system: string,
  { code, display, equivalence, product = [] }: z.infer<typeof Target>,
): TermTarget | undefined {
  if (code === undefined || !EQUIVALENT.has(equivalence)) return undefined;
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
 * Looks up a word in a ConceptMap. Only an exact match after folding is mapped. A text is ambiguous if it contains a guard word (negation,
 * past, other person or doubt). A word with two targets is ambiguous too. A typed code is mapped when the map contains its concept.
 */
export function lookUpTerm(index: TermIndex, question: TermQuestion): TermAnswer {
  const source = 'concept-map';
  if (looksLikeCode(question.text)) return lookUpCode(index, question.text.trim());
  const direct = index.get(keyOf(question.language, foldTerm(question.text)));
  const [only] = direct ?? [];
  // A term of the map can contain a guard word ("pré-diabetes"), so an exact match is checked before the guard words.
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

/** Makes a `lookUp` for a mapping context that uses only an index and no decisions. */
export const lookUpIn =
  (index: TermIndex): LookUp =>
  (question) =>
    lookUpTerm(index, question);
