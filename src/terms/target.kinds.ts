import { isLoincAnswer, LOINC } from '../mapping/values/loinc.js';
import { SNOMED } from '../mapping/words/term.js';
import type { DecidedTarget } from './term.target.js';

type Role = 'condition' | 'observation-code' | 'observation-value';
interface NamedCoding {
  readonly system: string;
  readonly code: string;
  readonly display?: string;
}

/** A coding of a target that cannot be used, with the name of its member in the request. */
export interface KindFault {
  readonly field: string;
  readonly detail: string;
}

const DISEASE_SYSTEMS = /^http:\/\/hl7\.org\/fhir\/sid\/(?:icd|icpc)/u;
/** Code systems of units and medications. Their codes are neither findings nor tests. */
const OTHER_SYSTEMS = new Set([
  'http://unitsofmeasure.org',
  'http://www.nlm.nih.gov/research/umls/rxnorm',
  'http://www.whocc.no/atc',
  'http://hl7.org/fhir/sid/ndc',
  'http://hl7.org/fhir/sid/cvx',
]);

/** The semantic tags of SNOMED CT at the end of a fully specified name, in English and Spanish, with a number for each group. */
const GROUPS: Readonly<Record<'finding' | 'test' | 'action' | 'other', readonly string[]>> = {
  finding: ['disorder', 'finding', 'trastorno', 'hallazgo'],
  test: ['observable entity', 'entidad observable'],
  action: ['procedure', 'regime/therapy', 'procedimiento', 'régimen/tratamiento'],
  other: [
    'situation, event, substance, product, medicinal product, medicinal product form, clinical drug, real clinical drug',
    'physical object, body structure, morphologic abnormality, cell, cell structure, organism, qualifier value, attribute',
    'occupation, person, religion/philosophy, ethnic group, racial group, social concept, life style, environment',
    'environment / location, geographic location, record artifact, specimen, staging scale, assessment scale',
    'tumor staging, physical force, dose form, disposition, role, supplier, namespace concept, navigational concept',
    'situación, evento, sustancia, producto, medicamento, objeto físico, estructura corporal, anomalía morfológica',
    'organismo, calificador, persona, ocupación, espécimen',
  ].flatMap((line) => line.split(', ')),
};
const groupOf = new Map(
  Object.entries(GROUPS).flatMap(([group, tags]) => tags.map((tag) => [tag, group] as const)),
);
const ALLOWED: Readonly<Record<Role, readonly string[]>> = {
  condition: ['finding'],
  'observation-code': ['test', 'action'],
  'observation-value': ['finding', 'other'],
};
const EXPECTED: Readonly<Record<Role, string>> = {
  condition: 'A Condition needs a disorder or a finding',
  'observation-code': 'The code of an Observation needs an observable entity or a LOINC code of a test',
  'observation-value': 'The value of an Observation needs a finding or another value',
};

/** The semantic tag at the end of a fully specified name, for example `procedure`. Other texts in brackets are no tags. */
export function semanticTag(display: string | undefined): string | undefined {
  const [, tag] = /\(([^()]+)\)\s*$/u.exec(display ?? '') ?? [];
  const folded = tag?.trim().toLowerCase().normalize('NFC');
  return folded !== undefined && groupOf.has(folded) ? folded : undefined;
}

/** Finds the first coding that cannot have its role in a target, by its code system and by the semantic tag of its name. */
export function kindFaultOf(target: DecidedTarget): KindFault | undefined {
  if (target.kind === 'condition') return faultOf('condition', target.coding, 'coding.code');
  const faults = [
    faultOf('observation-code', target.code, 'code.code'),
    ...target.value.map((coding, at) => faultOf('observation-value', coding, `value.${at}.code`)),
  ];
  return faults.find((fault) => fault !== undefined);
}

function faultOf(role: Role, { system, code, display }: NamedCoding, field: string): KindFault | undefined {
  const tag = system === SNOMED ? semanticTag(display) : undefined;
  if (tag !== undefined && !ALLOWED[role].includes(groupOf.get(tag) ?? ''))
    return { field, detail: `This concept is a ${tag}. ${EXPECTED[role]}. Use another concept.` };
  return isSystemFit(role, system, code)
    ? undefined
    : { field, detail: `This code system has no codes of this kind. ${EXPECTED[role]}. Use another code.` };
}

function isSystemFit(role: Role, system: string, code: string): boolean {
  if (OTHER_SYSTEMS.has(system)) return false;
  if (role === 'condition') return system !== LOINC;
  if (role === 'observation-code')
    return !DISEASE_SYSTEMS.test(system) && !(system === LOINC && isLoincAnswer(code));
  return !(system === LOINC && !isLoincAnswer(code));
}
