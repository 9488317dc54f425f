import { DICTIONARY_NAMES } from '../mapping/recognition/header.dictionary.js';
import { headerAliases } from '../mapping/mapping.columns.js';
import type { MappingDocument } from '../mapping/mapping.document.js';
import { readCsvHeader } from './csv.header.js';
import { isAddedColumn } from './csv.report.js';
import type { KnownNames } from './header.finder.js';
import { FileRefused } from './csv.refusal.js';

/**
 * The mappings that can read a list with this header. If some of them know more columns of the list than others, only the ones that know
 * the most are returned. The columns of an uploaded `errors.csv` do not count.
 */
export function fittingMappings<Known extends { readonly document: MappingDocument }>(
  names: readonly string[],
  known: readonly Known[],
): Known[] {
  const fits = known.flatMap((mapping) => {
    const unread = unreadColumns(names, mapping.document);
    return unread === undefined ? [] : [{ mapping, unread }];
  });
  const fewest = Math.min(...fits.map(({ unread }) => unread));
  return fits.filter(({ unread }) => unread === fewest).map(({ mapping }) => mapping);
}

/** The number of columns that the mapping does not know. Undefined if the mapping cannot read the list. */
function unreadColumns(names: readonly string[], document: MappingDocument): number | undefined {
  try {
    const { ignored } = readCsvHeader(names, document);
    return ignored.filter((name) => !isAddedColumn(name)).length;
  } catch (error) {
    if (error instanceof FileRefused) return undefined;
    throw error;
  }
}

/** The column names of the dictionary and of the mappings, for the search for the header line of a file. */
export function namesOf(known: readonly { readonly document: MappingDocument }[]): KnownNames {
  const aliases = known.map(({ document }) => headerAliases(document));
  return { has: (name) => DICTIONARY_NAMES.has(name) || aliases.some((names) => names.has(name)) };
}
