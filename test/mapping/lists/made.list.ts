import { Readable } from 'node:stream';
import type { Observation, Patient, Quantity, Resource } from '@medplum/fhirtypes';
import iconv from 'iconv-lite';

/** A made-up list as a hospital sends it, with what a person expects of it. */
export interface MadeList {
  readonly name: string;
  readonly bytes: Buffer;
  /** What a person changes in the draft: a JSON Pointer (RFC 6901) and the new value. At most three places. */
  readonly corrections?: readonly (readonly [pointer: string, value: unknown])[];
  /** The codes of the questions about the draft. */
  readonly questions?: readonly string[];
  /** The states of the rows, in order: w written, i waits in the inbox, r rejected, d duplicate. */
  readonly states: string;
  /** The codes of the findings about rows, each as `row code`. */
  readonly findings?: readonly string[];
  /** A line for each resource, in the order of the rows, as {@link factOf} writes it. */
  readonly facts: readonly string[];
}

/** The bytes of a list. Each line is a row. */
export const encoded = (lines: readonly string[], encoding = 'utf8', ending = '\n'): Buffer =>
  iconv.encode(lines.map((line) => line + ending).join(''), encoding);

/** A function that opens the bytes from their start. */
export const opener = (bytes: Buffer) => (): Readable => Readable.from([bytes]);

/** A resource as a line of text: the facts that a clerk would check. */
export function factOf(resource: Resource): string {
  if (resource.resourceType === 'Patient') return patientFact(resource);
  if (resource.resourceType === 'Observation') return observationFact(resource);
  if (resource.resourceType === 'AllergyIntolerance') return `A ${resource.code?.text}`;
  if (resource.resourceType === 'MedicationStatement') return `M ${resource.medicationCodeableConcept?.text}`;
  if (resource.resourceType === 'Encounter')
    return `E ${resource.period?.start ?? ''}..${resource.period?.end ?? ''}`;
  if (resource.resourceType !== 'Condition') return resource.resourceType;
  const codes = (resource.code?.coding ?? []).map(({ code }) => code).join('+');
  return ['C', codes, resource.code?.text, resource.onsetDateTime && `since ${resource.onsetDateTime}`]
    .filter(Boolean)
    .join(' ');
}

function patientFact({ identifier, name, gender, birthDate, telecom, address, contact }: Patient): string {
  const [first] = name ?? [];
  const [home] = address ?? [];
  const place = [...(home?.line ?? []), home?.city, home?.state, home?.postalCode, home?.country];
  const named =
    first?.family === undefined ? first?.text : `${first.family}, ${(first.given ?? []).join(' ')}`;
  return [
    `P ${identifier?.map(({ value }) => value).join(' ')}`,
    named,
    gender,
    birthDate,
    ...(telecom ?? []).map(({ value }) => value),
    ...place,
    ...(contact ?? []).flatMap(({ relationship, telecom: phones }) =>
      (phones ?? []).map(({ value }) => `${relationship?.[0]?.text} ${value}`),
    ),
  ]
    .filter(Boolean)
    .join(' · ');
}

const quantityFact = ({ comparator, value, code, unit = '' }: Quantity): string =>
  `${comparator ?? ''}${value} ${code ?? unit}`.trim();

function observationFact(observation: Observation): string {
  const { code, valueQuantity, valueString, component = [], effectiveDateTime, referenceRange } = observation;
  const values = component.map((part) => part.valueQuantity?.value).join('/');
  const [range] = referenceRange ?? [];
  const limits = range === undefined ? '' : ` (${range.low?.value ?? ''}..${range.high?.value ?? ''})`;
  const value =
    valueQuantity === undefined
      ? (valueString ?? (values || observation.valueCodeableConcept?.text))
      : quantityFact(valueQuantity);
  return `O ${code.coding?.[0]?.code ?? code.text} ${value}${limits} @${effectiveDateTime}`;
}
