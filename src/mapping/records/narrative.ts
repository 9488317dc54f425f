import type { CodeableConcept, Observation, Patient, Quantity } from '@medplum/fhirtypes';
import type { PatientRecord } from './record.kinds.js';

const XHTML = 'http://www.w3.org/1999/xhtml';
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/**
 * A short text about a resource, as XHTML. The same resource always gives the same text. Texts of cells are escaped, so they cannot contain
 * elements.
 */
export function narrativeText(resource: Patient | PatientRecord): string {
  const [title, ...facts] = factsOf(resource).filter((fact) => fact !== undefined && fact !== '');
  return `<div xmlns="${XHTML}"><p>${escaped([title, ...facts].join('; '))}</p></div>`;
}

// XML does not allow some characters, and the parser of the server replaces line breaks and repeated spaces.
const escaped = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Surrogate}\s\uFFFE\uFFFF]+/gu, ' ')
    .replace(/[&<>]/gu, (letter) => ESCAPES[letter] ?? '')
    .trim();

function factsOf(resource: Patient | PatientRecord): (string | undefined)[] {
  switch (resource.resourceType) {
    case 'Patient': {
      const [name] = resource.name ?? [];
      const written = name?.text ?? [...(name?.given ?? []), name?.family ?? ''].join(' ').trim();
      return ['Patient', written, resource.gender, resource.birthDate];
    }
    case 'Condition':
      return [
        'Condition',
        conceptText(resource.code),
        resource.onsetDateTime,
        resource.verificationStatus?.coding?.[0]?.code,
      ];
    case 'Observation':
      return [
        'Observation',
        conceptText(resource.code),
        valueText(resource),
        resource.effectiveDateTime,
        resource.status,
      ];
    case 'Encounter':
      return [
        'Encounter',
        resource.class.code,
        resource.period?.start,
        resource.period?.end,
        resource.reasonCode?.[0]?.text,
        resource.status,
      ];
    case 'AllergyIntolerance':
      return ['Allergy', conceptText(resource.code), resource.verificationStatus?.coding?.[0]?.code];
    case 'MedicationStatement':
      return [
        'Medication',
        conceptText(resource.medicationCodeableConcept),
        resource.effectiveDateTime,
        resource.status,
      ];
    case 'Procedure':
      return ['Procedure', conceptText(resource.code), resource.performedDateTime, resource.status];
  }
}

function conceptText(concept: CodeableConcept | undefined): string {
  const [coding] = concept?.coding ?? [];
  return concept?.text ?? coding?.display ?? coding?.code ?? '';
}

function valueText({ valueQuantity, valueCodeableConcept, valueString, component }: Observation): string {
  if (valueQuantity !== undefined) return quantityText(valueQuantity);
  if (component !== undefined) return component.map((part) => quantityText(part.valueQuantity)).join(' / ');
  return valueString ?? conceptText(valueCodeableConcept);
}

const quantityText = (quantity: Quantity | undefined): string =>
  [quantity?.comparator, quantity?.value, quantity?.unit].filter((part) => part !== undefined).join(' ');
