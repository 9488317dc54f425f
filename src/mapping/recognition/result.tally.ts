import { foldText } from '../words/folding.js';
import type { HeaderReading } from './header.reader.js';
import { valueFacts } from './value.shapes.js';

/** A test of a list with one result in each row. */
export interface TestTally {
  /** The name of the column with the test. */
  readonly header: string;
  /** The code or the name of the test, as it is written first. */
  readonly test: string;
  readonly results: number;
  /** The units of its results as they are written, with their counts. */
  readonly units: ReadonlyMap<string, number>;
  /** A sample of the values without a unit or with the most frequent unit. */
  readonly sample: readonly number[];
  /** Whether a result is from another specimen than blood, serum or plasma. */
  readonly isOtherSpecimen: boolean;
}

const BLOOD =
  /^(?:(?:(?:whole|venous|capillary) )?blood|serum|plasma|(?:sangue|sangre)(?: .*)?|soro|suero|sang(?: .*)?|(?:voll|kapillar)?blut|edta.*|sst|heparin.*|citrat.*|s|p|b)$/u;
const MOST_TESTS = 200;
const MOST_UNITS = 8;
const MOST_SAMPLES = 20;
const LONGEST_TEST = 100;
const LONGEST_UNIT = 40;

interface Tallied {
  readonly header: string;
  readonly test: string;
  results: number;
  readonly units: Map<string, number>;
  readonly sample: number[];
  isOtherSpecimen: boolean;
}

/** Counts the tests of a list with one result in each row, with their units. It knows the columns by their names. */
export class ResultTally {
  private readonly places: {
    readonly tests: readonly (readonly [at: number, header: string])[];
    readonly value: number;
    readonly unit: number;
    readonly specimen: number;
  };
  private readonly found = new Map<string, Tallied>();

  constructor(headers: readonly HeaderReading[]) {
    const placeOf = (meaning: string) =>
      headers.findIndex(({ meanings }) => meanings.some((one) => one.meaning === meaning));
    this.places = {
      tests: ['test_name', 'test_code'].flatMap((meaning): [number, string][] => {
        const at = placeOf(meaning);
        return at < 0 ? [] : [[at, headers[at]?.header ?? '']];
      }),
      value: placeOf('result_value'),
      unit: placeOf('result_unit'),
      specimen: placeOf('specimen'),
    };
  }

  /** Adds the cells of the next row. */
  add(cells: readonly string[]): void {
    const { tests, value, unit, specimen } = this.places;
    const textAt = (at: number) => (at < 0 ? '' : (cells[at]?.trim() ?? ''));
    const result = textAt(value);
    if (result === '') return;
    const { number } = valueFacts(result);
    const taken = foldText(textAt(specimen));
    const one = {
      unit: (textAt(unit) || (number?.unit ?? '')).slice(0, LONGEST_UNIT),
      value: number?.value,
      isOtherSpecimen: taken !== '' && !BLOOD.test(taken),
    };
    for (const [at, header] of tests) this.addTest(header, textAt(at), one);
  }

  private addTest(header: string, test: string, one: OneResult): void {
    const key = `${header}\n${foldText(test)}`;
    if (test === '' || test.length > LONGEST_TEST) return;
    if (!this.found.has(key) && this.found.size >= MOST_TESTS) return;
    const tallied = this.found.get(key) ?? {
      header,
      test,
      results: 0,
      units: new Map<string, number>(),
      sample: [],
      isOtherSpecimen: false,
    };
    this.found.set(key, tallied);
    tallied.results += 1;
    tallied.isOtherSpecimen ||= one.isOtherSpecimen;
    const { units, sample } = tallied;
    if (one.unit !== '' && (units.has(one.unit) || units.size < MOST_UNITS))
      units.set(one.unit, (units.get(one.unit) ?? 0) + 1);
    if (one.value !== undefined && sample.length < MOST_SAMPLES) sample.push(one.value);
  }

  /** The tests, in the order in which they occur first. */
  tests(): readonly TestTally[] {
    return [...this.found.values()];
  }
}

interface OneResult {
  readonly unit: string;
  readonly value: number | undefined;
  readonly isOtherSpecimen: boolean;
}
