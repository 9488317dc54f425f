import { foldHeader } from '../mapping/words/folding.js';

/** The number of lines at the start of a file in which the header is searched. Title lines can stand above the header. */
const HEADER_LINES = 40;

/** A set of column names in the form of `foldHeader`. */
export interface KnownNames {
  has(name: string): boolean;
}

/** The number of known column names in the line of the text that has the most of them. Only the first lines can be the header. */
export function knownNames(text: string, aliases: KnownNames): number {
  const lines = text.slice(0, 65_536).split(/\r\n|\n|\r/u, HEADER_LINES);
  const counts = lines.map(
    (line) =>
      line.split(/[,;\t|^~]/u).filter((name) => aliases.has(foldHeader(name.replaceAll('"', '')))).length,
  );
  return Math.max(0, ...counts);
}

/** The cells of a record without the empty cells at its end. */
export function withoutBlankEnd(cells: readonly string[]): readonly string[] {
  const last = cells.findLastIndex((cell) => cell.trim() !== '');
  return cells.slice(0, last + 1);
}

/**
 * The position of the header in the first records of a file: the record with the most known column names. Title lines can stand above it.
 * The result is 0 if no record has a known name.
 */
export function headerPlace(records: readonly (readonly string[])[], aliases: KnownNames): number {
  const counts = records
    .slice(0, HEADER_LINES)
    .map((cells) => cells.filter((name) => aliases.has(foldHeader(name))).length);
  return Math.max(0, counts.indexOf(Math.max(0, ...counts)));
}

/** Whether a record is the header of the file. `names` are the column names without empty names at the end. */
export const isHeader = (cells: readonly string[], names: readonly string[]): boolean =>
  names.every((name, at) => cells[at] === name) &&
  cells.slice(names.length).every((cell) => cell.trim() === '');
