import type { MappingDocument } from './mapping.document.js';
import { foldHeader } from './words/folding.js';

/**
 * Maps each column name of a file to its column of the mapping. The keys have the form of {@link foldHeader}. The name of the column itself
 * is an alias too.
 */
export function headerAliases(document: MappingDocument): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  for (const field of Object.keys(document.columns)) aliases.set(field, field);
  for (const [field, names] of Object.entries(document.source.aliases))
    for (const name of names) aliases.set(foldHeader(name), field);
  return aliases;
}

/** The required columns that a file with the columns `known` does not have. If it has no identifier, all identifiers are missing. */
export function missingColumns(document: MappingDocument, known: ReadonlySet<string>): string[] {
  const required = Object.entries(document.columns).flatMap(([field, { required }]) =>
    required ? [field] : [],
  );
  const missing = required.filter((field) => !known.has(field));
  const identifiers = document.identifiers.map(({ column }) => column);
  if (missing.length > 0 || identifiers.some((field) => known.has(field))) return missing;
  return identifiers;
}
