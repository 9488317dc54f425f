import type { MappingDocument } from '../mapping/mapping.document.js';
import { chooseDelimiter, type Delimiter, type DelimiterChoice } from './csv.delimiter.js';
import { chooseEncoding, decodeHead, type EncodingChoice } from './csv.encoding.js';
import { checkNames, type CsvHeader, readCsvHeader } from './csv.header.js';
import type { ProbeFacts } from './csv.probe.js';
import { type KnownNames, withoutBlankEnd } from './header.finder.js';
import { FileRefused } from './csv.refusal.js';
import { headerAliases } from '../mapping/mapping.columns.js';

/** The properties that are needed to read the rows of a file: encoding, delimiter and column names. */
export interface TableShape {
  readonly encoding: EncodingChoice;
  readonly delimiter: Omit<DelimiterChoice, 'records'>;
  readonly header: Pick<CsvHeader, 'names'>;
  /** The requested sheet of a workbook. */
  readonly sheet?: string | undefined;
  /** The number of visible sheets of a workbook. */
  readonly sheets?: number;
}

/** The properties that are needed to read a file with a mapping. */
export interface CsvShape extends TableShape {
  readonly header: CsvHeader;
}

/** What a person or a mapping says about a file. */
export interface NamedShape {
  readonly encoding?: string | undefined;
  readonly delimiter?: Delimiter | undefined;
}

/**
 * Uses the facts of the probe to decide how a file must be read, without a mapping. `known` contains column names. The header is the line
 * with the most known names. Throws `FileRefused`.
 */
export function inspectTable(facts: ProbeFacts, known: KnownNames, named: NamedShape = {}): TableShape {
  const shape = readShape(facts, known, named);
  checkNames(shape.header.names, known);
  refuseHeaderOnly(facts, shape);
  return shape;
}

/** Uses the facts of the probe to decide how a file must be read. `encoding` is the requested encoding. Throws `FileRefused`. */
export function inspectCsv(facts: ProbeFacts, document: MappingDocument, encoding?: string): CsvShape {
  const named = { encoding: encoding ?? document.source.encoding, delimiter: document.source.delimiter };
  const shape = readShape(facts, headerAliases(document), named);
  const header = readCsvHeader(shape.header.names, document);
  refuseHeaderOnly(facts, shape);
  return { ...shape, header };
}

interface ReadShape extends TableShape {
  /** The number of lines in the head of the file that are not blank. */
  readonly lines: number;
}

function readShape(facts: ProbeFacts, known: KnownNames, named: NamedShape): ReadShape {
  const chosen = chooseEncoding(facts, known, named.encoding);
  const head = decodeHead(facts, chosen);
  const { records, ...delimiter } = chooseDelimiter(head, known, named.delimiter);
  const [first, ...rows] = records;
  if (first === undefined) throw new FileRefused('file-header-missing');
  const names = withoutBlankEnd(first);
  // Empty columns at the end are left out. A column with values needs a name.
  const isUnnamed = (cells: readonly string[]) =>
    withoutBlankEnd(cells.slice(0, first.length)).length > names.length;
  if (names.length > 0 && rows.some(isUnnamed)) throw new FileRefused('file-column-unnamed');
  const lines = head.split(/[\r\n]+/u).filter((line) => line.trim() !== '').length;
  const { sheet, sheets } = facts;
  const ofWorkbook = sheets === undefined ? {} : { sheet, sheets };
  return { encoding: chosen, delimiter, header: { names }, lines, ...ofWorkbook };
}

function refuseHeaderOnly(facts: ProbeFacts, { delimiter, lines }: ReadShape): void {
  if (facts.bytes <= facts.head.length && lines === (delimiter.sepLine ? 2 : 1))
    throw new FileRefused('file-header-only');
}

/** The shape of a file as the API shows it. */
export const explainShape = ({ encoding, delimiter, header, sheets }: CsvShape) => ({
  encoding: encoding.encoding,
  encoding_reason: encoding.reason,
  delimiter: delimiter.delimiter,
  delimiter_reason: delimiter.reason,
  columns: [...header.places.keys()],
  ignored_columns: header.ignored,
  ...(sheets === undefined ? {} : { sheets }),
});
