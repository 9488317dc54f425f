import type { CodeableConcept, Observation, Quantity } from '@medplum/fhirtypes';
import { canonicalJson } from './canonical.json.js';

/** The value of an Observation. Exactly one member is set. */
export type ResultValue = Pick<
  Observation,
  'valueQuantity' | 'valueCodeableConcept' | 'valueString' | 'component'
>;

/**
 * A text that is the same for equal values. Displays, units as people read them, and the spelling of a coded word are not part of the value.
 */
export function resultText({
  valueQuantity,
  valueCodeableConcept,
  valueString,
  component,
}: ResultValue): string {
  return canonicalJson({
    quantity: quantityFacts(valueQuantity),
    concept: conceptFacts(valueCodeableConcept),
    text: valueString?.trim(),
    parts: component?.map((part) => [
      conceptFacts(part.code),
      quantityFacts(part.valueQuantity),
      conceptFacts(part.valueCodeableConcept),
      part.valueString,
    ]),
  });
}

/** Whether two Observations have the same value. */
export const hasSameValue = (one: ResultValue, other: ResultValue): boolean =>
  resultText(one) === resultText(other);

/** The Observation on the server with the value of `ours` and the status `corrected`. Its date and its other elements are kept. */
export function correctedResult(existing: Observation, ours: Observation): Observation {
  const {
    valueQuantity: _quantity,
    valueCodeableConcept: _concept,
    valueString: _text,
    component: _component,
    ...others
  } = existing;
  const { valueQuantity, valueCodeableConcept, valueString, component } = ours;
  return {
    ...others,
    status: 'corrected',
    ...(valueQuantity === undefined ? {} : { valueQuantity }),
    ...(valueCodeableConcept === undefined ? {} : { valueCodeableConcept }),
    ...(valueString === undefined ? {} : { valueString }),
    ...(component === undefined ? {} : { component }),
  };
}

const quantityFacts = (quantity: Quantity | undefined) =>
  quantity === undefined
    ? undefined
    : [quantity.comparator ?? '', quantity.value, quantity.code ?? quantity.unit ?? ''];

const conceptFacts = (concept: CodeableConcept | undefined) =>
  concept?.coding?.map(({ system, code }) => `${system ?? ''}|${code ?? ''}`).sort() ?? concept?.text?.trim();
