import type { Coding } from '@medplum/fhirtypes';

/** A word to be looked up, with its context. */
export interface TermQuestion {
  readonly text: string;
  readonly column: string;
  readonly language: 'pt' | 'en' | 'es';
  readonly sex?: 'male' | 'female' | 'other' | 'unknown';
  /** The age of the patient in full years, on the day that the row describes. */
  readonly age?: number;
}

/** The target of a word: the code of a Condition, or the code and value of an Observation. */
export type TermTarget =
  | { readonly kind: 'condition'; readonly coding: Coding }
  | { readonly kind: 'observation'; readonly code: Coding; readonly value: readonly Coding[] };

/** The decision of a person about a word. `revision` counts the changes of its meaning. */
export interface DecisionRevision {
  readonly term: string;
  readonly revision: number;
}

interface Answered {
  /** The mapper that answered. */
  readonly source: string;
  /** Missing if the answer does not come from a decision. */
  readonly decision?: DecisionRevision;
}

/** The answer for a word. */
export type TermAnswer =
  | (Answered & { readonly outcome: 'mapped'; readonly target: TermTarget })
  | (Answered & { readonly outcome: 'ambiguous' | 'unmapped' | 'ignored' });

/** Looks up a word. The function is synchronous, because the decisions are read before the rows are mapped. */
export type LookUp = (question: TermQuestion) => TermAnswer;

export const SNOMED = 'http://snomed.info/sct';
/** Diabetes mellitus. */
export const DIABETES = '73211009';
/** Pregnancy status. */
export const PREGNANCY_STATUS = '82810-3';
/** Pregnant. */
export const PREGNANT = '77386006';
