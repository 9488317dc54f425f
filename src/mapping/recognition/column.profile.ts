import type { DateFormat } from '../values/dates.js';
import { withoutTextFormula } from '../values/formula.js';
import { type Shape, type ValueFacts, valueFacts } from './value.shapes.js';

/** What is known about the values of a column, from all rows of the list. */
export interface ColumnProfile {
  readonly header: string;
  /** The number of cells that are not empty. */
  readonly filled: number;
  readonly shapes: ReadonlyMap<Shape, number>;
  readonly dates: DateCounts;
  readonly numbers: NumberCounts;
  /** The cells that contain a separator, by separator. */
  readonly separators: ReadonlyMap<string, number>;
  /** Different texts with their counts: at most 50 texts of at most 100 characters. */
  readonly distinct: ReadonlyMap<string, number>;
  /** Whether the column has more different texts than `distinct`. */
  readonly hasMore: boolean;
  /** The cells whose text occurred in an earlier row, among the first 4,096 different texts. */
  readonly repeated: number;
  /** Whether the cells count the rows: 1, 2, 3, … */
  readonly counts: boolean;
  /** At most five texts of the column. */
  readonly examples: readonly string[];
}

/** The counts of the dates of a column. */
export interface DateCounts {
  readonly formats: ReadonlyMap<DateFormat, number>;
  /** The dates whose first or second part is above 12. */
  readonly firstOver: number;
  readonly secondOver: number;
  readonly local: number;
  readonly zoned: number;
  readonly years: readonly [number, number] | undefined;
}

/** The counts of the numbers of a column. */
export interface NumberCounts {
  readonly count: number;
  readonly least: number;
  readonly most: number;
  readonly point: number;
  readonly comma: number;
  /** The numbers with a unit, by UCUM code. At most 16 units. */
  readonly units: ReadonlyMap<string, number>;
  /** A sample of at most 200 values. */
  readonly sample: readonly number[];
}

const MOST_DISTINCT = 50;
const LONGEST_DISTINCT = 100;
const MOST_HASHES = 4_096;
const MOST_UNITS = 16;
const MOST_SAMPLES = 200;
const SEPARATORS = ['|', ';', ',', '/', '+', '\n'];

const increment = <Key>(counts: Map<Key, number>, key: Key, most = Infinity): void => {
  if (counts.has(key) || counts.size < most) counts.set(key, (counts.get(key) ?? 0) + 1);
};

/** Collects the facts about the cells of a column, in the order of the rows. Its memory use does not depend on the number of rows. */
export class ColumnProfiler {
  private filled = 0;
  private readonly shapes = new Map<Shape, number>();
  private readonly formats = new Map<DateFormat, number>();
  private readonly separators = new Map<string, number>();
  private readonly distinct = new Map<string, number>();
  private readonly facts = new Map<string, ValueFacts>();
  private readonly hashes = new Set<number>();
  private readonly units = new Map<string, number>();
  private readonly sample: number[] = [];
  private hasMore = false;
  private repeated = 0;
  private counts = true;
  private over = { first: 0, second: 0 };
  private times = { local: 0, zoned: 0 };
  private years: readonly [number, number] | undefined;
  private numbers = { count: 0, least: Infinity, most: -Infinity, point: 0, comma: 0 };

  constructor(private readonly header: string) {}

  /** Adds the text of the next cell. An empty cell says nothing. */
  add(cell: string): void {
    const text = withoutTextFormula(cell.trim()).trim();
    if (text === '') return;
    this.filled += 1;
    this.counts &&= text === String(this.filled);
    this.note(text);
    const facts = this.facts.get(text) ?? valueFacts(text);
    if (this.distinct.has(text)) this.facts.set(text, facts);
    for (const shape of facts.shapes) increment(this.shapes, shape);
    this.addDate(facts);
    this.addNumber(facts);
  }

  private note(text: string): void {
    for (const sign of SEPARATORS) if (text.includes(sign)) increment(this.separators, sign);
    const hash = hashOf(text);
    if (this.hashes.has(hash)) this.repeated += 1;
    else if (this.hashes.size < MOST_HASHES) this.hashes.add(hash);
    if (this.distinct.has(text) || (this.distinct.size < MOST_DISTINCT && text.length <= LONGEST_DISTINCT))
      increment(this.distinct, text);
    else this.hasMore = true;
  }

  private addDate({ date }: ValueFacts): void {
    if (date === undefined) return;
    for (const format of date.formats) increment(this.formats, format);
    if (date.over !== undefined) this.over[date.over] += 1;
    if (date.time !== undefined) this.times[date.time] += 1;
    const [first, last] = this.years ?? [Infinity, -Infinity];
    if (date.year !== undefined) this.years = [Math.min(first, date.year), Math.max(last, date.year)];
  }

  private addNumber({ number, decimal }: ValueFacts): void {
    if (number === undefined) return;
    const { numbers, sample } = this;
    numbers.count += 1;
    numbers.least = Math.min(numbers.least, number.value);
    numbers.most = Math.max(numbers.most, number.value);
    if (decimal === '.') numbers.point += 1;
    if (decimal === ',') numbers.comma += 1;
    if (number.unit !== undefined) increment(this.units, number.unit, MOST_UNITS);
    else if (sample.length < MOST_SAMPLES) sample.push(number.value);
  }

  /** The facts collected so far. */
  profile(): ColumnProfile {
    return {
      header: this.header,
      filled: this.filled,
      shapes: this.shapes,
      dates: {
        formats: this.formats,
        firstOver: this.over.first,
        secondOver: this.over.second,
        ...this.times,
        years: this.years,
      },
      numbers: { ...this.numbers, units: this.units, sample: this.sample },
      separators: this.separators,
      distinct: this.distinct,
      hasMore: this.hasMore,
      repeated: this.repeated,
      counts: this.counts && this.filled > 1,
      examples: [...this.distinct.keys()].slice(0, 5),
    };
  }
}

/** A hash of 32 bits (FNV-1a). Equal texts have equal hashes. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
