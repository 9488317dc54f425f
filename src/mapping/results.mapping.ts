import type { CodeableConcept, Coding, ObservationReferenceRange, Quantity } from '@medplum/fhirtypes';
import { isHuman } from './human.limits.js';
import type { ResultsRule } from './observation.rule.js';
import type { MeasuredValue } from './record.maker.js';
import type { RowReading } from './row.reading.js';
import type { Evaluated } from './values/expression.js';
import { isLoinc, LOINC } from './values/loinc.js';
import { readMeasurement, readNumber, readQuantity, UCUM } from './values/quantity.js';
import { unitOf } from './values/units.js';
import { foldText } from './words/folding.js';

type KnownTest = ResultsRule['tests'][string];

/**
 * Reads the result of a list with one result in each row. The row says which test it is, by a LOINC code or by a name of the mapping. An
 * invalid result becomes an issue, and the result is undefined.
 */
export function readListedResult(reading: RowReading, rule: ResultsRule): MeasuredValue | undefined {
  const test = reading.value(rule.test);
  const found = reading.value(rule.value);
  // A test without a value has no result yet.
  if (found === undefined) return undefined;
  if (test === undefined) {
    reading.leaveOut('measurement-incomplete', found.column);
    return undefined;
  }
  const known = knownTest(rule, test.text);
  const coding = known === undefined ? typedCode(test.text) : withoutUndefined(known.code);
  if (coding === undefined && reading.document.policies.unknown_words !== 'text_only') {
    reading.leaveOut('test-unknown', test.column);
    return undefined;
  }
  const code: CodeableConcept = { ...(coding === undefined ? {} : { coding: [coding] }), text: test.text };
  const shared = { key: coding?.code ?? `text:${foldText(test.text)}`, code, column: found.column };
  const unit = rule.unit === undefined ? undefined : reading.value(rule.unit);
  const written = readMeasurement(found.text);
  // A text such as "1:40" or "negative" is a result, but it is not a number.
  if (written === undefined) return { ...shared, value: { valueString: found.text } };
  if (unit !== undefined && written.unit !== '' && unitOf(written.unit) !== unitOf(unit.text)) {
    reading.leaveOut('unit-contradicts', unit.column);
    return undefined;
  }
  const text = unit === undefined || written.unit !== '' ? found.text : `${found.text} ${unit.text}`;
  const quantity = quantityOf(reading, rule, known, coding?.code ?? '', { ...found, text });
  if (quantity === undefined) return undefined;
  const range = rule.range === undefined ? undefined : reading.value(rule.range);
  // The range has the unit of the row. The limits of a converted value would have the wrong unit.
  const ownUnit = readMeasurement(text)?.unit ?? '';
  const isConverted = ownUnit !== '' && quantity.code !== undefined && unitOf(ownUnit) !== quantity.code;
  return {
    ...shared,
    value: { valueQuantity: quantity },
    ...(range === undefined
      ? {}
      : { range: isConverted ? { text: range.text } : readRange(range.text, rule, quantity) }),
  };
}

const testsOf = new WeakMap<ResultsRule, ReadonlyMap<string, KnownTest>>();

function knownTest(rule: ResultsRule, text: string): KnownTest | undefined {
  const tests =
    testsOf.get(rule) ?? new Map(Object.entries(rule.tests).map(([name, test]) => [foldText(name), test]));
  testsOf.set(rule, tests);
  return tests.get(foldText(text));
}

const typedCode = (text: string): Coding | undefined =>
  isLoinc(text) ? { system: LOINC, code: text } : undefined;

const withoutUndefined = ({ system, code, display }: KnownTest['code']): Coding => ({
  system,
  code,
  ...(display === undefined ? {} : { display }),
});

function quantityOf(
  reading: RowReading,
  rule: ResultsRule,
  known: KnownTest | undefined,
  code: string,
  { text, column }: Evaluated,
): Quantity | undefined {
  if (known?.ucum !== undefined) {
    const { ucum, possible, usual } = known;
    const { decimal } = rule;
    const read = readQuantity(
      text,
      { unit: known.unit ?? ucum, ucum, decimal, possible, usual },
      known.code.system === LOINC ? code : '',
    );
    if (read.fault !== undefined) reading.leaveOut(read.fault, column);
    for (const note of read.notes) reading.add(note, column);
    return read.quantity;
  }
  const written = readMeasurement(text);
  const value = written === undefined ? undefined : readNumber(written.digits, rule.decimal);
  if (written === undefined || value === undefined) {
    reading.leaveOut('number-invalid', column);
    return undefined;
  }
  const ucum = written.unit === '' ? undefined : unitOf(written.unit);
  if (ucum !== undefined && !isHuman(code, value, ucum)) {
    reading.leaveOut('number-out-of-range', column);
    return undefined;
  }
  return {
    value,
    ...(written.comparator === undefined ? {} : { comparator: written.comparator }),
    ...(written.unit === '' ? {} : { unit: written.unit }),
    ...(ucum === undefined ? {} : { system: UCUM, code: ucum }),
  };
}

const BETWEEN = /^(?<low>-?[\d.,]+)\s*(?:-|–|a|to|até|bis|à)\s*(?<high>-?[\d.,]+)/iu;
const BOUND = /^(?<sign><=|>=|[<>≤≥]|até|up to)\s*(?<bound>-?[\d.,]+)/iu;

/** Reads a reference range, for example `3.5-5.5` or `< 5`. The text is always kept. */
function readRange(text: string, { decimal }: ResultsRule, quantity: Quantity): ObservationReferenceRange {
  const limit = (digits: string | undefined): Quantity | undefined => {
    const value = digits === undefined ? undefined : readNumber(digits, decimal);
    if (value === undefined) return undefined;
    const { unit, system, code } = quantity;
    return {
      value,
      ...(unit === undefined ? {} : { unit }),
      ...(system === undefined ? {} : { system }),
      ...(code === undefined ? {} : { code }),
    };
  };
  const bound = BOUND.exec(text)?.groups;
  const isLow = bound?.['sign']?.startsWith('>') === true || bound?.['sign'] === '≥';
  const between = BETWEEN.exec(text)?.groups;
  const low = limit(isLow ? bound?.['bound'] : between?.['low']);
  const high = limit(isLow ? undefined : (bound?.['bound'] ?? between?.['high']));
  return { ...(low === undefined ? {} : { low }), ...(high === undefined ? {} : { high }), text };
}
