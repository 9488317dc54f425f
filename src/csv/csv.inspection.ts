import type { MappingDocument } from '../mapping/mapping.document.js';
import { chooseDelimiter, type DelimiterChoice } from './csv.delimiter.js';
import { chooseEncoding, decodeHead, type EncodingChoice } from './csv.encoding.js';
import { type CsvHeader, headerAliases, readCsvHeader } from './csv.header.js';
import type { ProbeFacts } from './csv.probe.js';
import { withoutBlankEnd } from './header.finder.js';
import { FileRefused } from './csv.refusal.js';

/** The properties that are needed to read a file: encoding, delimiter and header. */
export interface CsvShape {
  readonly encoding: EncodingChoice;
  readonly delimiter: Omit<DelimiterChoice, 'records'>;
  readonly header: CsvHeader;
}

/** Uses the facts of the probe to decide how a file must be read. `encoding` is the requested encoding. Throws `FileRefused`. */
export function inspectCsv(facts: ProbeFacts, document: MappingDocument, encoding?: string): CsvShape {
  const aliases = headerAliases(document);
  const chosen = chooseEncoding(facts, aliases, encoding ?? document.source.encoding);
  const head = decodeHead(facts, chosen);
  const { records, ...delimiter } = chooseDelimiter(head, aliases, document.source.delimiter);
  const [first, ...rows] = records;
  if (first === undefined) throw new FileRefused('file-header-missing');
  const names = withoutBlankEnd(first);
  // Empty columns at the end are left out. A column with values needs a name.
  const isUnnamed = (cells: readonly string[]) =>
    withoutBlankEnd(cells.slice(0, first.length)).length > names.length;
  if (names.length > 0 && rows.some(isUnnamed)) throw new FileRefused('file-column-unnamed');
  const header = readCsvHeader(names, document);
  const lines = head.split(/[\r\n]+/u).filter((line) => line.trim() !== '').length;
  if (facts.bytes <= facts.head.length && lines === (delimiter.sepLine ? 2 : 1))
    throw new FileRefused('file-header-only');
  return { encoding: chosen, delimiter, header };
}

/** The shape of a file as the API shows it. */
export const explainShape = ({ encoding, delimiter, header }: CsvShape) => ({
  encoding: encoding.encoding,
  encoding_reason: encoding.reason,
  delimiter: delimiter.delimiter,
  delimiter_reason: delimiter.reason,
  columns: [...header.places.keys()],
  ignored_columns: header.ignored,
});
