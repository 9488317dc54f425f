import { foldHeader } from '../mapping/words/folding.js';

/** The number of lines at the start of a file in which the header is searched. Title lines can stand above the header. */
const HEADER_LINES = 40;

/** The number of known column names in the line of the text that has the most of them. Only the first lines can be the header. */
export function knownNames(text: string, aliases: ReadonlyMap<string, string>): number {
  const lines = text.slice(0, 65_536).split(/\r\n|\n|\r/u, HEADER_LINES);
  const counts = lines.map(
    (line) =>
      line.split(/[,;\t|]/u).filter((name) => aliases.has(foldHeader(name.replaceAll('"', '')))).length,
  );
  return Math.max(0, ...counts);
}
