import { createHash } from 'node:crypto';
import type {
  Coding,
  Identifier,
  Condition,
  ContactPoint,
  Encounter,
  Extension,
  Observation,
  Patient,
} from '@medplum/fhirtypes';
import { canonicalJson } from './canonical.json.js';
import { OWNED } from './patient.maker.js';
import type { FurtherRecord, PatientRecord } from './records/record.kinds.js';
import { isUnknownClass } from './records/visit.mapping.js';
import { correctedResult, hasSameValue } from './result.value.js';
import type { RowPlan } from './row.plan.js';

/** An element that a write would change. `before` and `after` are patient data. */
export interface ResourceChange {
  readonly element: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** A merged resource and the changes to it. A resource without changes is not sent. */
export interface Merged<Resource> {
  readonly resource: Resource;
  readonly changes: readonly ResourceChange[];
}

const equal = (one: unknown, other: unknown) => canonicalJson(one) === canonicalJson(other);

/**
 * Merges the Patient of a row into the Patient on the server. The import owns the gender, the birth date, its own identifiers and
 * extensions, and the list elements whose ids are in `OWNED`. Everything else is kept, for example addresses and phone numbers from other
 * sources. An element that is absent from the row is kept too (`absent: keep`). `former` are forms of the identifiers of the row that earlier
 * versions wrote. They are marked as old, so that no other sender uses them.
 */
export function mergePatient(
  existing: Patient,
  ours: Patient,
  former: readonly { readonly system: string; readonly value: string }[] = [],
): Merged<Patient> {
  const { telecom, ...others } = existing;
  const merged: Patient = {
    ...others,
    ...optional(
      'identifier',
      mergeList(withOld(existing.identifier, former), ours.identifier, (one) => [one.system, one.value]),
    ),
    ...optional('extension', mergeExtensions(existing.extension, ours.extension)),
    ...optional(
      'name',
      mergeList(existing.name, ours.name, (one) => one.text ?? [one.given, one.family]),
    ),
    ...optional(
      'telecom',
      mergeList(withoutContacts(telecom, ours), ours.telecom, (one) => [one.system, one.value]),
    ),
    ...optional(
      'contact',
      mergeList(existing.contact, ours.contact, (one) => [one.relationship, one.telecom]),
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
    ...(ours.gender === undefined || isUninformative(existing, ours) ? {} : { gender: ours.gender }),
    // A shorter date with the same beginning says less.
    ...(ours.birthDate === undefined || existing.birthDate?.startsWith(ours.birthDate) === true
      ? {}
      : { birthDate: ours.birthDate }),
  };
  const changes = changesOf(existing, merged, [
    'identifier',
    'extension',
    'name',
    'telecom',
    'contact',
    'address',
    'gender',
    'birthDate',
  ]);
  return mergeProfiles(existing, ours, { resource: merged, changes });
}

/** Adds the profiles of a resource of the row to the merged resource. */
export function mergeProfiles<Kind extends Patient | PatientRecord>(
  existing: Kind,
  ours: Kind,
  merged: Merged<Kind>,
): Merged<Kind> {
  const before = existing.meta?.profile;
  const profile = [...new Set([...(before ?? []), ...(ours.meta?.profile ?? [])])];
  if (profile.length === (before ?? []).length) return merged;
  return {
    resource: Object.assign({}, merged.resource, { meta: { ...existing.meta, profile } }),
    changes: [...merged.changes, { element: 'meta.profile', before, after: profile }],
  };
}

/**
 * Merges the Condition of a row into the existing Condition. If the row has an onset, it replaces the existing onset. A coding of a system
 * that the existing Condition does not have is added. The rest is kept, because people may have edited it.
 */
export function mergeCondition(existing: Condition, ours: Condition): Merged<Condition> {
  const { onsetDateTime } = ours;
  const added = addedCodings(existing, ours);
  const code = { ...existing.code, coding: [...(existing.code?.coding ?? []), ...added] };
  const resource = {
    ...existing,
    ...(added.length === 0 ? {} : { code }),
    ...(onsetDateTime === undefined ? {} : { onsetDateTime }),
  };
  return { resource, changes: changesOf(existing, resource, ['code', 'onsetDateTime']) };
}

/** The codings to add. If no coding is the same in both Conditions, a person has changed the code, and nothing is added. */
function addedCodings(existing: Condition, ours: Condition): Coding[] {
  const known = existing.code?.coding ?? [];
  const own = ours.code?.coding ?? [];
  const isSame = own.some(({ system, code }) =>
    known.some((one) => one.system === system && one.code === code),
  );
  return isSame ? own.filter(({ system }) => !known.some((one) => one.system === system)) : [];
}

/**
 * Corrects an existing Observation: it gets the value of the row and the status `corrected`. Its date is kept. An Observation with the same
 * value is unchanged.
 */
export function correctObservation(existing: Observation, ours: Observation): Merged<Observation> {
  if (hasSameValue(existing, ours)) return { resource: existing, changes: [] };
  const resource = correctedResult(existing, ours);
  const elements = ['status', 'valueQuantity', 'valueCodeableConcept', 'valueString', 'component'] as const;
  return { resource, changes: changesOf(existing, resource, elements) };
}

/**
 * Merges a visit or a statement of a row into the existing record. A visit gets the period, the class and the reason of the row, and a visit
 * whose status is unknown gets the status of the row. A statement is kept, because people may have edited it.
 */
export function mergeFurther(existing: FurtherRecord, ours: FurtherRecord): Merged<FurtherRecord> {
  if (existing.resourceType !== 'Encounter' || ours.resourceType !== 'Encounter')
    return { resource: existing, changes: [] };
  const { period, reasonCode } = ours;
  const resource: Encounter = {
    ...existing,
    status: existing.status === 'unknown' ? ours.status : existing.status,
    class: isUnknownClass(ours.class) ? existing.class : ours.class,
    ...(period === undefined ? {} : { period: { ...existing.period, ...period } }),
    ...(reasonCode === undefined ? {} : { reasonCode }),
  };
  return { resource, changes: changesOf(existing, resource, ['status', 'class', 'period', 'reasonCode']) };
}

/** The SHA-256 (hex) of the content of a plan. Rows with equal hashes have the same content for the same patient. */
export function planHash(plan: RowPlan): string {
  const { patient, conditions, observations, further, waiting } = plan;
  return createHash('sha256')
    .update(canonicalJson({ patient, conditions, observations, further, waiting }))
    .digest('hex');
}

const isUninformative = (existing: Patient, ours: Patient): boolean =>
  ours.gender === 'unknown' && existing.gender !== undefined;

const withOld = (
  existing: readonly Identifier[] | undefined,
  former: readonly { readonly system: string; readonly value: string }[],
): Identifier[] | undefined =>
  existing?.map((one) =>
    former.some(({ system, value }) => system === one.system && value === one.value)
      ? { ...one, use: 'old' as const }
      : one,
  );

interface Owned {
  readonly id?: string;
}

/**
 * Merges the elements of the import into a list. An element replaces the existing element with the same id. Any other element is added at
 * the end, unless an element with the same content exists.
 */
function mergeList<Element extends Owned>(
  existing: readonly Element[] = [],
  ours: readonly Element[] = [],
  contentOf: (element: Element) => unknown,
): Element[] {
  const merged = [...existing];
  for (const own of ours) {
    const at = own.id === undefined ? -1 : merged.findIndex(({ id }) => id === own.id);
    if (at >= 0) merged[at] = own;
    else if (!merged.some((other) => equal(contentOf(other), contentOf(own)))) merged.push(own);
  }
  return merged;
}

/**
 * The telecom of a Patient without the numbers that the row stores as contacts. Earlier versions stored such a number as the number of the
 * patient.
 */
function withoutContacts(existing: readonly ContactPoint[] = [], { contact = [] }: Patient): ContactPoint[] {
  const theirs = new Set(contact.flatMap(({ telecom = [] }) => telecom.map(({ value }) => value)));
  return existing.filter(({ id, value }) => id?.startsWith(OWNED.phone) !== true || !theirs.has(value));
}

/**
 * Merges extensions by url. An extension with a coded value never replaces an existing extension, because the code can mean "no
 * information" (race 99).
 */
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
