import { createHash } from 'node:crypto';
import type { Condition, Extension, Observation, Patient } from '@medplum/fhirtypes';
import { canonicalJson } from './canonical.json.js';
import type { RowPlan } from './row.plan.js';

/** One element that a write would change; both sides are values of a resource, for reports behind a right only. */
export interface ResourceChange {
  readonly element: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** The resource as it is to be written; without changes it is not sent. */
export interface Merged<Resource> {
  readonly resource: Resource;
  readonly changes: readonly ResourceChange[];
}

const equal = (one: unknown, other: unknown) => canonicalJson(one) === canonicalJson(other);

/**
 * Puts what a row says into the Patient as the server has it. Ours are: identifiers of our systems, gender, birth date, our
 * extensions, and the list elements that carry our ids. Everything else, other people's addresses and numbers too, stays; what
 * the row does not say stays as well (`absent: keep`).
 */
export function mergePatient(existing: Patient, ours: Patient): Merged<Patient> {
  const merged: Patient = {
    ...existing,
    ...optional(
      'identifier',
      mergeList(existing.identifier, ours.identifier, (one) => [one.system, one.value]),
    ),
    ...optional('extension', mergeExtensions(existing.extension, ours.extension)),
    ...optional(
      'name',
      mergeList(existing.name, ours.name, (one) => one.text ?? [one.given, one.family]),
    ),
    ...optional(
      'telecom',
      mergeList(existing.telecom, ours.telecom, (one) => [one.system, one.value]),
    ),
    ...optional(
      'address',
      mergeList(existing.address, ours.address, (one) => [
        one.line,
        one.city,
        one.state,
        one.postalCode,
        one.country,
      ]),
    ),
    ...(ours.gender === undefined ? {} : { gender: ours.gender }),
    ...(ours.birthDate === undefined ? {} : { birthDate: ours.birthDate }),
  };
  const profile = [...new Set([...(existing.meta?.profile ?? []), ...(ours.meta?.profile ?? [])])];
  const resource = profile.length === 0 ? merged : { ...merged, meta: { ...existing.meta, profile } };
  const changes = changesOf(existing, resource, [
    'identifier',
    'extension',
    'name',
    'telecom',
    'address',
    'gender',
    'birthDate',
  ]);
  const before = existing.meta?.profile;
  if (profile.length === (before ?? []).length) return { resource, changes };
  return { resource, changes: [...changes, { element: 'meta.profile', before, after: profile }] };
}

/** A Condition that is there stays as people left it; only an onset that the row knows is ours. */
export function mergeCondition(existing: Condition, ours: Condition): Merged<Condition> {
  const onset = ours.onsetDateTime;
  const resource = onset === undefined ? existing : { ...existing, onsetDateTime: onset };
  return { resource, changes: changesOf(existing, resource, ['onsetDateTime']) };
}

/** An Observation that is there gets the row's value; its day stays that of the first import unless the row says another. */
export function mergeObservation(existing: Observation, ours: Observation): Merged<Observation> {
  const { valueQuantity, valueCodeableConcept, component } = ours;
  // Of a coded value the codes are compared: another spelling of the same word is no change.
  const sameCodes =
    valueCodeableConcept !== undefined &&
    equal(existing.valueCodeableConcept?.coding, valueCodeableConcept.coding);
  const resource = {
    ...existing,
    ...(valueQuantity === undefined ? {} : { valueQuantity }),
    ...(valueCodeableConcept === undefined || sameCodes ? {} : { valueCodeableConcept }),
    ...(component === undefined ? {} : { component }),
  };
  return {
    resource,
    changes: changesOf(existing, resource, ['valueQuantity', 'valueCodeableConcept', 'component']),
  };
}

/** What a plan says, as SHA-256 (hex): rows with equal hashes say the same of the same patient. */
export function planHash(plan: RowPlan): string {
  const { patient, conditions, observations, waiting } = plan;
  return createHash('sha256')
    .update(canonicalJson({ patient, conditions, observations, waiting }))
    .digest('hex');
}

interface Owned {
  readonly id?: string;
}

/** Elements with our id are replaced; one that says the same is left alone; the rest is added at the end. */
function mergeList<Element extends Owned>(
  existing: readonly Element[] = [],
  ours: readonly Element[] = [],
  meaning: (element: Element) => unknown,
): Element[] {
  const merged = [...existing];
  for (const own of ours) {
    const at = own.id === undefined ? -1 : merged.findIndex(({ id }) => id === own.id);
    if (at >= 0) merged[at] = own;
    else if (!merged.some((other) => equal(meaning(other), meaning(own)))) merged.push(own);
  }
  return merged;
}

/** Extensions by url; "no information" (a race of 99) never replaces information. */
function mergeExtensions(existing: readonly Extension[] = [], ours: readonly Extension[] = []): Extension[] {
  const merged = [...existing];
  for (const own of ours) {
    const at = merged.findIndex(({ url }) => url === own.url);
    if (at < 0) merged.push(own);
    else if (own.valueAddress !== undefined) merged[at] = own;
  }
  return merged;
}

function optional<Name extends string, Element>(
  name: Name,
  list: Element[],
): Partial<Record<Name, Element[]>> {
  const found: Partial<Record<Name, Element[]>> = {};
  if (list.length > 0) found[name] = list;
  return found;
}

function changesOf<Resource extends object>(
  before: Resource,
  after: Resource,
  elements: readonly (keyof Resource & string)[],
): ResourceChange[] {
  return elements
    .filter((element) => !equal(before[element], after[element]))
    .map((element) => ({ element, before: before[element], after: after[element] }));
}
