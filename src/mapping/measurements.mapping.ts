import type { Observation, ObservationComponent, Quantity } from '@medplum/fhirtypes';
import { isAfter } from './values/dates.js';
import type { Evaluated, Expression } from './values/expression.js';
import { recordIdentifier } from './values/identity.js';
import { issue } from './issue.js';
import type { ObservationRule, QuantityRule } from './observation.rule.js';
import { readQuantity } from './values/quantity.js';
import { makeObservation } from './record.maker.js';
import type { MappingContext } from './row.plan.js';
import type { RowReading } from './row.reading.js';
import type { Subject } from './words/words.mapping.js';

type Value = Pick<Observation, 'valueQuantity' | 'valueCodeableConcept' | 'component'>;

/**
 * Makes the Observations of a row by the rules of the mapping document. An invalid value becomes an issue. An empty cell makes no
 * Observation.
 */
export function mapMeasurements(
  reading: RowReading,
  subject: Subject,
  context: MappingContext,
): Observation[] {
  return reading.document.observations.flatMap((rule) => {
    const value = valueOf(reading, rule);
    if (value === undefined) return [];
    const dateCell = rule.date === undefined ? undefined : reading.value(rule.date);
    const date = dateCell === undefined ? undefined : reading.date(dateCell);
    if (date !== undefined && isAfter(date, reading.day))
      reading.issues.push(issue('date-future', dateCell?.column));
    const asOf = date ?? context.asOf ?? reading.document.as_of;
    return makeObservation({
      identifier: recordIdentifier(context.key, subject.patientKey, 'observation', rule.code.code, asOf),
      subject: subject.fullUrl,
      category: rule.category,
      code: codingOf(rule.code),
      effective: date ?? reading.day,
      value,
    });
  });
}

function valueOf(reading: RowReading, rule: ObservationRule): Value | undefined {
  if (rule.kind === 'components') return componentsOf(reading, rule);
  const found = reading.value(rule.value);
  if (found === undefined) return undefined;
  if (rule.kind === 'coded') return answerOf(reading, rule, found);
  const valueQuantity = quantityOf(reading, rule.value, rule.quantity);
  return valueQuantity === undefined ? undefined : { valueQuantity };
}

function quantityOf(reading: RowReading, expression: Expression, rule: QuantityRule): Quantity | undefined {
  const found = reading.value(expression);
  if (found === undefined) return undefined;
  const { quantity, issues } = readQuantity(found.text, rule, found.column);
  reading.issues.push(...issues);
  return quantity;
}

function answerOf(
  reading: RowReading,
  rule: Extract<ObservationRule, { kind: 'coded' }>,
  found: Evaluated,
): Value | undefined {
  // Use hasOwn, because a cell can contain the text `constructor`.
  const listed = found.unlisted !== true && Object.hasOwn(rule.answers, found.text);
  const codings = listed ? rule.answers[found.text] : undefined;
  if (codings === undefined) {
    reading.issues.push(issue('value-not-listed', found.column));
    return undefined;
  }
  return { valueCodeableConcept: { coding: codings.map(codingOf) } };
}

function componentsOf(
  reading: RowReading,
  rule: Extract<ObservationRule, { kind: 'components' }>,
): Value | undefined {
  const written = rule.components.filter(({ value }) => reading.value(value) !== undefined);
  if (written.length === 0) return undefined;
  if (written.length < rule.components.length) {
    const empty = rule.components.find(({ value }) => reading.value(value) === undefined);
    const column = empty !== undefined && 'copy' in empty.value ? empty.value.copy : undefined;
    reading.issues.push(issue('measurement-incomplete', column));
    return undefined;
  }
  const component = written.flatMap(({ code, value, quantity }): ObservationComponent[] => {
    const valueQuantity = quantityOf(reading, value, quantity);
    return valueQuantity === undefined ? [] : [{ code: { coding: [codingOf(code)] }, valueQuantity }];
  });
  return component.length < written.length ? undefined : { component };
}

const codingOf = ({
  system,
  code,
  display,
}: {
  system: string;
  code: string;
  display?: string | undefined;
}) => ({
  system,
  code,
  ...(display === undefined ? {} : { display }),
});
