import type { Coding, Observation, ObservationComponent, Quantity } from '@medplum/fhirtypes';
import { DIASTOLIC, SYSTOLIC } from './human.limits.js';
import type { ObservationRule, QuantityRule } from './observation.rule.js';
import { type MeasuredValue, makeObservation } from './record.maker.js';
import { readSpecimen } from './records/specimen.js';
import { readListedResult } from './results.mapping.js';
import { type ResultValue, resultText } from './result.value.js';
import type { MappingContext, PlannedResult } from './row.plan.js';
import type { RowReading } from './row.reading.js';
import { LOINC } from './values/loinc.js';
import type { Evaluated } from './values/expression.js';
import { resultIdentity } from './values/identity.js';
import { readMeasurement, readQuantity } from './values/quantity.js';
import type { Subject } from './words/words.mapping.js';

/** The measurements of a row. */
export interface Measurements {
  readonly observations: Observation[];
  readonly results: Map<string, PlannedResult>;
}

/**
 * Makes the Observations of a row by the rules of the mapping document. An invalid measurement is left out and becomes an issue. An empty
 * cell makes no Observation.
 */
export function mapMeasurements(
  reading: RowReading,
  subject: Subject,
  context: MappingContext,
): Measurements {
  const measured: Measurements = { observations: [], results: new Map() };
  for (const rule of reading.document.observations) {
    const found = measuredOf(reading, rule);
    if (found === undefined) continue;
    const dateCell = rule.date === undefined ? undefined : reading.value(rule.date);
    const moment = dateCell === undefined ? undefined : reading.moment(dateCell);
    if (dateCell !== undefined && moment === undefined) continue;
    const time = moment?.identity ?? context.asOf ?? reading.document.as_of;
    const order = rule.order === undefined ? undefined : reading.value(rule.order)?.text;
    const specimen = rule.specimen === undefined ? undefined : readSpecimen(reading, rule.specimen);
    const { identifier, aliases } = resultIdentity(context.key, {
      patient: subject.patientKey,
      code: found.key,
      time,
      local: moment?.local,
      order,
      specimen: specimen?.identity,
      // The value identifies only a result without a time.
      value: time === undefined ? resultText(found.value) : '',
    });
    const { key: _key, column, ...facts } = found;
    const effective = moment?.effective ?? reading.day;
    measured.observations.push(
      makeObservation({
        identifier,
        subject: subject.fullUrl,
        category: rule.category,
        effective,
        ...facts,
        ...(specimen === undefined ? {} : { specimen: specimen.resource }),
      }),
    );
    measured.results.set(identifier.value ?? '', {
      aliases,
      ...(column === undefined ? {} : { column }),
      ...(time === undefined && order === undefined && specimen?.identity.isNumber !== true
        ? { undated: true }
        : {}),
    });
  }
  return measured;
}

function measuredOf(reading: RowReading, rule: ObservationRule): MeasuredValue | undefined {
  if (rule.kind === 'results') return readListedResult(reading, rule);
  const found = rule.kind === 'components' ? undefined : reading.value(rule.value);
  const value =
    rule.kind === 'components' ? componentsOf(reading, rule) : found && valueOf(reading, rule, found);
  if (value === undefined) return undefined;
  const first = rule.kind === 'components' ? (rule.combined ?? rule.components[0]?.value) : undefined;
  const column = found?.column ?? (first === undefined ? undefined : reading.value(first)?.column);
  return { key: rule.code.code, code: { coding: [codingOf(rule.code)] }, value, column };
}

function valueOf(
  reading: RowReading,
  rule: Exclude<ObservationRule, { kind: 'components' | 'results' }>,
  found: Evaluated,
): ResultValue | undefined {
  if (rule.kind === 'text') return { valueString: found.text };
  if (rule.kind === 'coded') return answerOf(reading, rule, found);
  // A text result has no digits: "negative" is a text, and "about 70" is an invalid number.
  if (rule.text_results && !/\d/u.test(found.text)) return { valueString: found.text };
  const valueQuantity = quantityOf(reading, found, rule.quantity, rule.code);
  return valueQuantity === undefined ? undefined : { valueQuantity };
}

/** Reads a quantity. `code` is the code of the measurement. An invalid value becomes an issue, and the result is undefined. */
function quantityOf(
  reading: RowReading,
  { text, column }: Evaluated,
  rule: QuantityRule,
  code: { readonly system: string; readonly code: string },
): Quantity | undefined {
  const { quantity, fault, notes } = readQuantity(text, rule, code.system === LOINC ? code.code : '');
  if (fault !== undefined) reading.leaveOut(fault, column);
  for (const note of notes) reading.add(note, column);
  return quantity;
}

function answerOf(
  reading: RowReading,
  rule: Extract<ObservationRule, { kind: 'coded' }>,
  found: Evaluated,
): ResultValue | undefined {
  // Use hasOwn, because a cell can contain the text `constructor`.
  const listed = found.unlisted !== true && Object.hasOwn(rule.answers, found.text);
  const codings = listed ? rule.answers[found.text] : undefined;
  if (codings === undefined) {
    reading.leaveOut('value-not-listed', found.column);
    return undefined;
  }
  return { valueCodeableConcept: { coding: codings.map(codingOf) } };
}

type ComponentsRule = Extract<ObservationRule, { kind: 'components' }>;

function componentsOf(reading: RowReading, rule: ComponentsRule): ResultValue | undefined {
  const cells = cellsOf(reading, rule);
  const written = cells.filter((cell) => cell !== undefined);
  if (written.length === 0) return undefined;
  if (written.length < rule.components.length) {
    const empty = rule.components[cells.indexOf(undefined)]?.value;
    reading.leaveOut(
      'measurement-incomplete',
      empty !== undefined && 'copy' in empty ? empty.copy : written[0]?.column,
    );
    return undefined;
  }
  const component = rule.components.flatMap(({ code, quantity }, at): ObservationComponent[] => {
    const cell = cells[at];
    const valueQuantity = cell === undefined ? undefined : quantityOf(reading, cell, quantity, code);
    return valueQuantity === undefined ? [] : [{ code: { coding: [codingOf(code)] }, valueQuantity }];
  });
  if (component.length < written.length) return undefined;
  const valueBy = (code: string) => {
    const part = component.find((one) => one.code.coding?.some((coding) => coding.code === code));
    return part?.valueQuantity?.value;
  };
  const [systolic, diastolic] = [valueBy(SYSTOLIC), valueBy(DIASTOLIC)];
  if (systolic !== undefined && diastolic !== undefined && diastolic > systolic) {
    reading.leaveOut('pressure-order', written[0]?.column);
    return undefined;
  }
  return { component };
}

/** The cells of the components, in the order of the rule. A combined cell such as `120/80 mmHg` gives a text for each component. */
function cellsOf(reading: RowReading, { combined, components }: ComponentsRule): (Evaluated | undefined)[] {
  const whole = combined === undefined ? undefined : reading.value(combined);
  if (whole === undefined)
    return components.map(({ value }) => (value === undefined ? undefined : reading.value(value)));
  const parts = whole.text.split(/\s*[/x×\\]\s*/iu);
  const last = readMeasurement(parts[components.length - 1] ?? '');
  const unit = parts.length > components.length ? '' : (last?.unit ?? '');
  // The unit can contain a slash, as in `120/80 mm/Hg`.
  const rest = parts.slice(components.length - 1).join('/');
  const texts = [...parts.slice(0, components.length - 1), rest];
  return components.map((_, at) => {
    const text = texts[at]?.trim() ?? '';
    if (text === '') return undefined;
    return {
      ...whole,
      text: at < components.length - 1 && /^\d+$/u.test(text) ? `${text} ${unit}`.trim() : text,
    };
  });
}

const codingOf = ({
  system,
  code,
  display,
}: {
  system: string;
  code: string;
  display?: string | undefined;
}): Coding => ({
  system,
  code,
  ...(display === undefined ? {} : { display }),
});
