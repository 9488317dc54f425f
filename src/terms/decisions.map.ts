import { z } from 'zod';
import {
  OBSERVATION_CODE,
  OBSERVATION_VALUE,
  TermConceptMap,
  UNMATCHED,
  WORDS,
} from '../mapping/words/concept.map.js';
import { SNOMED, type TermTarget } from '../mapping/words/term.js';

/** A decided word with its concept. If `target` is missing, the word is ignored. */
export interface TermDecision {
  readonly language: string;
  readonly word: string;
  readonly target?: TermTarget;
}

/** The exported ConceptMap (R4). It contains the elements that the import reads and the other elements that R4 requires. */
export const DecisionMap = TermConceptMap.extend({ name: z.string(), status: z.literal('active') });
export type DecisionMap = z.output<typeof DecisionMap>;

/** Converts decisions into a ConceptMap with the structure of the shipped ConceptMap. The result can be imported again. */
export function conceptMapOf(decisions: readonly TermDecision[]): DecisionMap {
  const groups = new Map<string, TermDecision[]>();
  for (const decision of decisions) {
    const key = JSON.stringify([decision.language, systemOf(decision.target)]);
    groups.set(key, [...(groups.get(key) ?? []), decision]);
  }
  return {
    resourceType: 'ConceptMap',
    url: 'urn:radgate:decisions',
    version: '1',
    name: 'RadgateDecisions',
    status: 'active',
    group: [...groups.values()].flatMap((of) => {
      const [first] = of;
      if (first === undefined) return [];
      return [
        {
          source: `${WORDS}${first.language}`,
          target: systemOf(first.target),
          element: of.map(({ word, target }) => ({ code: word, target: [targetOf(target)] })),
        },
      ];
    }),
  };
}

type MapTarget = TermConceptMap['group'][number]['element'][number]['target'][number];

function firstCodingOf(target: TermTarget) {
  return target.kind === 'condition' ? target.coding : (target.value[0] ?? {});
}

const systemOf = (target: TermTarget | undefined): string =>
  (target === undefined ? undefined : firstCodingOf(target).system) ?? SNOMED;

function targetOf(target: TermTarget | undefined): MapTarget {
  if (target === undefined) return { equivalence: UNMATCHED };
  const { code = '', display } = firstCodingOf(target);
  const named = display === undefined ? {} : { display };
  if (target.kind === 'condition') return { code, ...named, equivalence: 'equivalent' };
  const product = [
    productOf(OBSERVATION_CODE, target.code),
    ...target.value.slice(1).map((value) => productOf(OBSERVATION_VALUE, value)),
  ];
  return { code, ...named, equivalence: 'equivalent', product };
}

function productOf(property: string, coding: { system?: string; code?: string; display?: string }) {
  const { system = '', code = '', display } = coding;
  return { property, system, value: code, ...(display === undefined ? {} : { display }) };
}
