import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { foldHeader } from '../mapping/words/folding.js';
import { LIMITS } from './csv.limits.js';
import { headerPlace, type KnownNames } from './header.finder.js';

const DELIMITERS = [',', ';', '\t', '|', '^', '~'] as const;
export type Delimiter = (typeof DELIMITERS)[number];

/**
 * The delimiter with the reason for the choice. The reason is the `sep=` line of the file, the mapping, known column names, or an equal
 * number of cells in each record.
 */
export interface DelimiterChoice {
  readonly delimiter: Delimiter;
  readonly reason: 'sep-line' | 'mapping' | 'header-words' | 'constant-columns' | 'single-column';
  /** Whether the file has a `sep=` line before the header. */
  readonly sepLine: boolean;
  /** The header and the records below it, from the first records of the file. */
  readonly records: readonly (readonly string[])[];
}

const Records = z.array(z.array(z.string()));
const SEP_LINE = /^"?sep=([,;\t|^~])"?(?:\r\n|\n|\r)/iu;

/** Detects the delimiter. Parses the first 60 records with each candidate. `mapped` is the delimiter that the mapping sets. */
export function chooseDelimiter(head: string, aliases: KnownNames, mapped?: Delimiter): DelimiterChoice {
  const [line = '', sign] = SEP_LINE.exec(head) ?? [];
  const text = head.slice(line.length);
  const sepLine = line !== '';
  const named = DELIMITERS.find((delimiter) => delimiter === sign) ?? mapped;
  if (named !== undefined)
    return {
      delimiter: named,
      reason: sepLine ? 'sep-line' : 'mapping',
      sepLine,
      records: fromHeader(firstRecords(text, named), aliases),
    };
  const [best] = DELIMITERS.map((delimiter) => judge(text, delimiter, aliases)).sort(
    (one, other) =>
      other.met - one.met || Number(other.constant) - Number(one.constant) || other.columns - one.columns,
  );
  if (best === undefined) throw new Error('No delimiter is a candidate.');
  const reason = best.columns < 2 ? 'single-column' : best.met > 0 ? 'header-words' : 'constant-columns';
  return { delimiter: best.delimiter, reason, sepLine, records: best.records };
}

function judge(text: string, delimiter: Delimiter, aliases: KnownNames) {
  const records = fromHeader(firstRecords(text, delimiter), aliases);
  const [header = []] = records;
  const met = header.filter((name) => aliases.has(foldHeader(name))).length;
  const constant = header.length > 1 && records.every((record) => record.length === header.length);
  return { delimiter, records, met, constant, columns: header.length };
}

const fromHeader = (records: readonly (readonly string[])[], aliases: KnownNames) =>
  records.slice(headerPlace(records, aliases));

function firstRecords(text: string, delimiter: Delimiter): readonly (readonly string[])[] {
  try {
    const found: unknown = parse(text, {
      delimiter,
      record_delimiter: ['\r\n', '\n', '\r'],
      to: 60,
      max_record_size: LIMITS.record,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
    });
    return Records.parse(found);
  } catch {
    // The first line is too long, or its quotes are invalid with this delimiter.
    return [];
  }
}
