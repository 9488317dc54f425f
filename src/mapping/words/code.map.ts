import type { Coding } from '@medplum/fhirtypes';
import { SNOMED } from './term.js';

/** ICD-10 of the WHO. */
export const ICD10 = 'http://hl7.org/fhir/sid/icd-10';
/** CID-10, the Brazilian translation of ICD-10. It has the codes of the WHO. */
export const CID10 = 'http://www.saude.gov.br/fhir/r4/CodeSystem/BRCID10';

/** ICD-10-GM, the German version. */
const ICD10_GM = 'http://fhir.de/CodeSystem/bfarm/icd-10-gm';

/** ICD-10 and its national versions. */
const DISEASE_SYSTEMS =
  /^(?:http:\/\/hl7\.org\/fhir\/sid\/icd-10(?:-[a-z]{2,4})?|urn:oid:2\.16\.840\.1\.113883\.6\.(?:3|90))$/u;

/** Whether a code system is ICD-10 or one of its national versions. */
export const isIcdSystem = (system: string): boolean =>
  system === CID10 || system === ICD10_GM || DISEASE_SYSTEMS.test(system);

/**
 * The systems whose maps apply to codes of a system, best first. CID-10 has the codes of ICD-10. Other national versions gave codes another
 * meaning, so a map of ICD-10 does not apply to these versions.
 */
export const mappedSystems = (system: string): readonly string[] =>
  system === CID10 ? [CID10, ICD10] : [system];

/** `same`: the concept means the same as the code. `wider`: the concept is wider, so it is true of every patient with the code. */
export type CodeRelation = 'same' | 'wider';

/** A concept of SNOMED CT that a map gives for an ICD-10 code. */
export interface CodeTarget {
  readonly code: string;
  readonly display?: string | undefined;
  readonly relation: CodeRelation;
}

/** The SNOMED CT coding of an ICD-10 code. `ambiguous` means that the maps give several concepts. */
export type CodeAnswer =
  { readonly outcome: 'mapped'; readonly coding: Coding } | { readonly outcome: 'ambiguous' | 'unmapped' };

/** Looks up an ICD-10 code. The function is synchronous, because the maps are read before the rows are mapped. */
export type CodeLookUp = (coding: Coding) => CodeAnswer;

/** R4 `ConceptMap.group.element.target.equivalence` says how the target relates to the source. */
const RELATIONS: Readonly<Record<'forward' | 'inverse', ReadonlyMap<string, CodeRelation>>> = {
  forward: new Map([
    ['equal', 'same'],
    ['equivalent', 'same'],
    ['wider', 'wider'],
    ['subsumes', 'wider'],
  ]),
  // The published map leads from SNOMED CT to ICD-10. A code that is narrower than the concept makes the concept wider than the code.
  inverse: new Map([
    ['equal', 'same'],
    ['equivalent', 'same'],
    ['narrower', 'wider'],
    ['specializes', 'wider'],
  ]),
};

/**
 * The relation of a SNOMED CT concept to an ICD-10 code. `isInverse` is true for a map from SNOMED CT to ICD-10. The value is undefined if
 * the concept says more than the code, or something else.
 */
export const relationOf = (equivalence: string, isInverse: boolean): CodeRelation | undefined =>
  RELATIONS[isInverse ? 'inverse' : 'forward'].get(equivalence);

/**
 * Chooses the concept for a code. A concept with the same meaning is better than a wider concept. Several equally good concepts are
 * ambiguous, because the code does not say which one the patient has.
 */
export function chooseTarget(targets: readonly CodeTarget[]): CodeAnswer {
  const byCode = new Map<string, CodeTarget>();
  for (const one of targets) if (byCode.get(one.code)?.relation !== 'same') byCode.set(one.code, one);
  const distinct = [...byCode.values()];
  const same = distinct.filter(({ relation }) => relation === 'same');
  const [best, ...others] = same.length > 0 ? same : distinct;
  if (best === undefined) return { outcome: 'unmapped' };
  if (others.length > 0) return { outcome: 'ambiguous' };
  const { code, display } = best;
  return {
    outcome: 'mapped',
    coding: { system: SNOMED, code, ...(display === undefined ? {} : { display }) },
  };
}
