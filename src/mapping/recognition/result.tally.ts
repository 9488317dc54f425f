import { isLoinc } from '../values/loinc.js';
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
  /** Whether the results are from another specimen than blood, serum or plasma. */
  readonly isOtherSpecimen: boolean;
}

/** Whether a specimen is blood, serum or plasma. An empty cell counts as blood, because most laboratory lists are about blood. */
export const isBlood = (specimen: string): boolean => specimen === '' || BLOOD.test(foldText(specimen));

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
  readonly isOtherSpecimen: boolean;
}

/** Counts the tests of a list with one result in each row, with their units. It knows the columns by their names. */
export class ResultTally {
  private readonly places: {
    readonly tests: readonly (readonly [at: number, header: string])[];
    readonly code: number;
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
      code: placeOf('test_code'),
      value: placeOf('result_value'),
      unit: placeOf('result_unit'),
      specimen: placeOf('specimen'),
    };
  }

  /** Adds the cells of the next row. */
  add(cells: readonly string[]): void {
    const { tests, code, value, unit, specimen } = this.places;
    const textAt = (at: number) => (at < 0 ? '' : (cells[at]?.trim() ?? ''));
    const result = textAt(value);
    if (result === '') return;
    const { number } = valueFacts(result);
    const one = {
      unit: (textAt(unit) || (number?.unit ?? '')).slice(0, LONGEST_UNIT),
      value: number?.value,
      isOtherSpecimen: !isBlood(textAt(specimen)),
    };
    // A LOINC code says the test, so its name needs no meaning.
    const isCoded = isLoinc(textAt(code));
    for (const [at, header] of tests) if (!isCoded || at === code) this.addTest(header, textAt(at), one);
  }

  private addTest(header: string, test: string, one: OneResult): void {
    const key = `${header}\n${one.isOtherSpecimen}\n${foldText(test)}`;
    if (test === '' || test.length > LONGEST_TEST) return;
    if (!this.found.has(key) && this.found.size >= MOST_TESTS) return;
    const tallied = this.found.get(key) ?? {
      header,
      test,
      results: 0,
      units: new Map<string, number>(),
      sample: [],
      isOtherSpecimen: one.isOtherSpecimen,
    };
    this.found.set(key, tallied);
    tallied.results += 1;
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
