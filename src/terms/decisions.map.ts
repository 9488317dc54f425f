import { OBSERVATION_CODE, OBSERVATION_VALUE, type TermConceptMap, WORDS } from '../mapping/concept.map.js';
import type { TermTarget } from '../mapping/term.js';

/** What people decided a word to mean. */
export interface Decision {
  readonly language: string;
  readonly word: string;
  readonly target: TermTarget;
}

/** Decisions in the form of the shipped ConceptMap, so that they can be read again like it. */
export function conceptMapOf(decisions: readonly Decision[]): TermConceptMap {
  const groups = Map.groupBy(decisions, ({ language, target }) => `${systemOf(target)} ${language}`);
  return {
    resourceType: 'ConceptMap',
    url: 'urn:radgate:decisions',
    version: '1',
    group: [...groups].map(([key, of]) => ({
      source: `${WORDS}${key.split(' ')[1] ?? ''}`,
      target: key.split(' ')[0] ?? '',
      element: of.map(({ word, target }) => ({ code: word, target: [targetOf(target)] })),
    })),
  };
}

type MapTarget = TermConceptMap['group'][number]['element'][number]['target'][number];

function mainOf(target: TermTarget) {
  return target.kind === 'condition' ? target.coding : (target.value[0] ?? {});
}

function systemOf(target: TermTarget): string {
  return mainOf(target).system ?? '';
}

function targetOf(target: TermTarget): MapTarget {
  const { code = '', display } = mainOf(target);
  const shown = display === undefined ? {} : { display };
  if (target.kind === 'condition') return { code, ...shown, equivalence: 'equivalent' };
  const product = [
    productOf(OBSERVATION_CODE, target.code),
    ...target.value.slice(1).map((value) => productOf(OBSERVATION_VALUE, value)),
  ];
  return { code, ...shown, equivalence: 'equivalent', product };
}

function productOf(property: string, coding: { system?: string; code?: string; display?: string }) {
  const { system = '', code = '', display } = coding;
  return { property, system, value: code, ...(display === undefined ? {} : { display }) };
}
