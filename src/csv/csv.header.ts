import { foldHeader } from '../mapping/words/folding.js';
import { headerAliases, missingColumns } from '../mapping/mapping.columns.js';
import type { MappingDocument } from '../mapping/mapping.document.js';
import type { KnownNames } from './header.finder.js';
import { LIMITS } from './csv.limits.js';
import { FileRefused } from './csv.refusal.js';

/** The header of a file: the positions of the columns of the mapping. */
export interface CsvHeader {
  /** The column names of the file. */
  readonly names: readonly string[];
  /** Maps each column of the mapping to its position in the file. The first position is 0. */
  readonly places: ReadonlyMap<string, number>;
  /** Column names that the mapping does not use. */
  readonly ignored: readonly string[];
  /** Whether the file is an uploaded `errors.csv`. In such a file, formulas are escaped. */
  readonly report: boolean;
}

/** Reads the header. Throws `FileRefused` for a duplicate, unnamed or missing column. */
export function readCsvHeader(names: readonly string[], document: MappingDocument): CsvHeader {
  const aliases = headerAliases(document);
  const folded = names.map((name) => foldHeader(name));
  const fields = folded.map((name) => (name.startsWith('_') ? undefined : aliases.get(name)));
  const known = fields.filter((field) => field !== undefined);
  if (names.length > LIMITS.columns) throw new FileRefused('file-columns-too-many');
  if (known.length === 0) throw new FileRefused('file-header-missing');
  if (names.some((name) => name.includes('\uFFFD')))
    throw new FileRefused(
      'file-header-undecodable',
      names.filter((name) => name.includes('\uFFFD')),
    );
  if (folded.includes('')) throw new FileRefused('file-column-unnamed');
  const meaning = folded.map((name, at) => fields[at] ?? `unknown ${name}`);
  if (new Set(meaning).size < meaning.length)
    throw new FileRefused('file-column-double', doubleNames(names, meaning));
  const missing = missingColumns(document, new Set(known));
  if (missing.length > 0) throw new FileRefused('file-column-missing', missing);
  return {
    names,
    places: new Map(
      fields.flatMap((field, at): [string, number][] => (field === undefined ? [] : [[field, at]])),
    ),
    ignored: names.filter((_, at) => fields[at] === undefined),
    report: folded.includes('_row') && folded.includes('_codes'),
  };
}

/** Checks the column names of a file that is read without a mapping. Throws `FileRefused`. */
export function checkNames(names: readonly string[], known: KnownNames): void {
  const folded = names.map((name) => foldHeader(name));
  if (names.length > LIMITS.columns) throw new FileRefused('file-columns-too-many');
  if (!folded.some((name) => known.has(name))) throw new FileRefused('file-header-missing');
  const undecodable = names.filter((name) => name.includes('\uFFFD'));
  if (undecodable.length > 0) throw new FileRefused('file-header-undecodable', undecodable);
  if (folded.includes('')) throw new FileRefused('file-column-unnamed');
  if (new Set(folded).size < folded.length)
    throw new FileRefused('file-column-double', doubleNames(names, folded));
}

/** The names in the file of the columns that have the same meaning as another column. */
const doubleNames = (names: readonly string[], meaning: readonly string[]): string[] =>
  names.filter((_, at) => meaning.filter((one) => one === meaning[at]).length > 1);
