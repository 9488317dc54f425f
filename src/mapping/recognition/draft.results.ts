import { isLoinc, LOINC } from '../values/loinc.js';
import type { PlacedColumn } from './column.choice.js';
import { chooseVariant, decimalOf, mostFrequentUnit } from './draft.observations.js';
import { readColumnName } from './header.reader.js';
import { MEASURED_KINDS, type MeasuredKind } from './measured.kinds.js';
import { type Question, question } from './question.js';
import { isBlood, type TestTally } from './result.tally.js';

interface ResultColumns {
  readonly code?: PlacedColumn | undefined;
  readonly name?: PlacedColumn | undefined;
  readonly value: PlacedColumn;
  readonly specimen?: PlacedColumn | undefined;
}

/** The rules for a list with one result in each row, and the questions about its tests. `at` is the position of the first rule. */
export function draftResults(
  columns: readonly PlacedColumn[],
  tallies: readonly TestTally[],
  date: (category: string) => object,
  { at, country }: { readonly at: number; readonly country: string | undefined },
): { readonly observations: readonly object[]; readonly questions: readonly Question[] } {
  const field = (meaning: string) => columns.find((column) => column.meaning === meaning);
  const [value, code, name] = [field('result_value'), field('test_code'), field('test_name')];
  if (value === undefined || (code ?? name) === undefined) return { observations: [], questions: [] };
  const questions: Question[] = [];
  const copy = (member: string, meaning: string): object => {
    const found = field(meaning);
    return found === undefined ? {} : { [member]: { copy: found.field } };
  };
  const [low, high] = [field('range_low'), field('range_high')];
  const limits =
    low === undefined || high === undefined
      ? {}
      : { range: { template: `{${low.field}} - {${high.field}}` } };
  const decimal = decimalOf(value.profile.numbers);
  const ruleOf = ({ column, when, isOtherSpecimen }: TestColumn, number: number): object => {
    const own = tallies.filter((tally) => tally.header === column.header);
    const { tests, unknown } = testsOf(
      own.filter((tally) => isOtherSpecimen === undefined || tally.isOtherSpecimen === isOtherSpecimen),
      country,
    );
    const path = ['observations', at + number, 'tests'];
    for (const test of unknown)
      questions.push(question('test-unknown', [...path, test], { column: column.header, about: test }));
    return {
      name: number === 0 ? 'results' : `results_${number + 1}`,
      kind: 'results',
      category: 'laboratory',
      test: { copy: column.field },
      value: { copy: value.field, ...(when === undefined ? {} : { when }) },
      ...date('laboratory'),
      ...copy('order', 'order_number'),
      ...(field('specimen') === undefined ? {} : { specimen: copy('type', 'specimen') }),
      ...copy('unit', 'result_unit'),
      ...(field('reference_range') === undefined ? limits : copy('range', 'reference_range')),
      ...(decimal === 'either' ? {} : { decimal }),
      tests,
    };
  };
  const tested = testColumns({ code, name, value, specimen: field('specimen') });
  return { observations: tested.map((column, number) => ruleOf(column, number)), questions };
}

interface TestColumn {
  readonly column: PlacedColumn;
  /** The condition under which the column says the test. */
  readonly when?: object;
  /** Whether the results are from another specimen than blood. Undefined for results of all specimens. */
  readonly isOtherSpecimen?: boolean;
}

/**
 * The columns that say which test a row has. LOINC codes come first. If some rows have no code, their name says the test. A name means
 * another test in another specimen, so the other specimens have a rule of their own.
 */
function testColumns({ code, name, value, specimen }: ResultColumns): TestColumn[] {
  const isCoded = code !== undefined && (code.profile.shapes.get('loinc') ?? 0) >= code.profile.filled * 0.9;
  const first = isCoded ? code : (name ?? code);
  if (first === undefined) return [];
  const second = first === code ? name : undefined;
  if (second !== undefined && second.profile.filled > first.profile.filled)
    return [
      { column: first, when: { column: first.field, present: true } },
      { column: second, when: { column: first.field, present: false } },
    ];
  if (isCoded || specimen === undefined || !hasOtherSpecimens(specimen)) return [{ column: first }];
  const words = [...specimen.profile.distinct.keys()];
  const when = (is: readonly string[]) => ({ column: specimen.field, is });
  return [
    { column: first, when: when(words.filter((word) => isBlood(word))), isOtherSpecimen: false },
    { column: first, when: when(words.filter((word) => !isBlood(word))), isOtherSpecimen: true },
    ...(specimen.profile.filled === value.profile.filled
      ? []
      : [{ column: first, when: { column: specimen.field, present: false }, isOtherSpecimen: false }]),
  ];
}

/** Whether a column names other specimens than blood. */
const hasOtherSpecimens = ({ profile }: PlacedColumn): boolean =>
  [...profile.distinct.keys()].some((word) => !isBlood(word));

/** The tests that the dictionary knows, and the tests that nobody knows. A LOINC code needs no entry. */
function testsOf(tallies: readonly TestTally[], country: string | undefined) {
  const tests: Record<string, object> = {};
  const unknown: string[] = [];
  for (const tally of tallies) {
    if (isLoinc(tally.test)) continue;
    const kind = tally.isOtherSpecimen ? undefined : kindOf(tally.test);
    const chosen =
      kind === undefined
        ? undefined
        : chooseVariant(kind, mostFrequentUnit(tally.units), tally.sample, country);
    if (chosen?.isSure !== true) {
      unknown.push(tally.test);
      continue;
    }
    const { code, display, unit, ucum, possible } = chosen.variant;
    tests[tally.test] = {
      code: { system: LOINC, code, display },
      unit,
      ucum,
      ...(possible === undefined ? {} : { possible }),
    };
  }
  return { tests, unknown };
}

/** The measurement of the laboratory with this name, if there is exactly one. */
function kindOf(test: string): MeasuredKind | undefined {
  const found = readColumnName(test).meanings.flatMap(({ meaning }) => MEASURED_KINDS.get(meaning) ?? []);
  const laboratory = new Set(found.filter(({ category }) => category === 'laboratory'));
  const [only] = laboratory;
  return laboratory.size === 1 ? only : undefined;
}
