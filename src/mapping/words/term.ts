import type { Coding } from '@medplum/fhirtypes';

/** What is asked of a word. */
export interface TermQuestion {
  readonly text: string;
  readonly column: string;
  readonly language: 'pt' | 'en' | 'es';
  readonly sex?: 'male' | 'female' | 'other' | 'unknown';
  /** Full years at the day the row speaks of. */
  readonly age?: number;
}

/** What a word means. */
export type TermTarget =
  | { readonly kind: 'condition'; readonly coding: Coding }
  | { readonly kind: 'observation'; readonly code: Coding; readonly value: readonly Coding[] };

/** The answer of a TermMapper; `source` says which part of the chain answered. */
export type TermAnswer =
  | { readonly outcome: 'mapped'; readonly target: TermTarget; readonly source: string }
  | { readonly outcome: 'ambiguous' | 'unmapped' | 'ignored'; readonly source: string };

/** Words → concepts; the answers are known before rows are mapped, so it does not wait. */
export type LookUp = (question: TermQuestion) => TermAnswer;

export const SNOMED = 'http://snomed.info/sct';
/** Diabetes mellitus. */
export const DIABETES = '73211009';
/** Pregnancy status. */
export const PREGNANCY_STATUS = '82810-3';
/** Pregnant. */
export const PREGNANT = '77386006';
