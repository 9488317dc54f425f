import { type Issue, issue } from '../mapping/issue.js';
import type { CsvHeader } from './csv.header.js';

/** An issue as a person sees it: `column` is the name of the column in the file, and `field` its name in the mapping. */
export interface NamedIssue extends Issue {
  readonly field?: string;
}

/** Names the column of an issue as the file names it. A column that the file does not have keeps the name of the mapping. */
export function namedIssue(one: Issue, { names, places }: Pick<CsvHeader, 'names' | 'places'>): NamedIssue {
  if (one.column === undefined) return one;
  const name = names[places.get(one.column) ?? -1];
  return name === undefined ? one : { ...one, column: name, field: one.column };
}

/** The message of an issue with the number of the other row, or the element that the FHIR server rejected. */
export const messageOfIssue = ({
  message,
  other_row: other,
  element,
}: Pick<Issue, 'message' | 'other_row' | 'element'>): string =>
  [
    message,
    ...(other === undefined ? [] : [`See row ${other}.`]),
    ...(element === undefined ? [] : [`The element is ${element}.`]),
  ].join(' ');

/** Warnings for undecodable cells of columns that the mapping does not use. Their row is imported. `column` is the name in the file. */
export function ignoredCellIssues(cells: readonly string[], { names, places }: CsvHeader): Issue[] {
  const used = new Set(places.values());
  return names.flatMap((name, at) =>
    !used.has(at) && cells[at]?.includes('\u{FFFD}') === true
      ? [issue('cell-undecodable', name, 'warning')]
      : [],
  );
}
