/** A letter of the font: seven rows from top to bottom. The highest of five bits is the leftmost pixel. */
export type Glyph = readonly number[];

/** The size of a letter in pixels, without the space between letters. */
export const GLYPH = { width: 5, height: 7 } as const;

/** The characters from space to tilde, seven hexadecimal rows each. */
const ROWS = `
00 00 00 00 00 00 00|04 04 04 04 04 00 04|0A 0A 0A 00 00 00 00|0A 0A 1F 0A 1F 0A 0A
04 0F 14 0E 05 1E 04|18 19 02 04 08 13 03|0C 12 14 08 15 12 0D|04 04 08 00 00 00 00
02 04 08 08 08 04 02|08 04 02 02 02 04 08|00 04 15 0E 15 04 00|00 04 04 1F 04 04 00
00 00 00 00 0C 04 08|00 00 00 1F 00 00 00|00 00 00 00 00 0C 0C|00 01 02 04 08 10 00
0E 11 13 15 19 11 0E|04 0C 04 04 04 04 0E|0E 11 01 02 04 08 1F|1F 02 04 02 01 11 0E
02 06 0A 12 1F 02 02|1F 10 1E 01 01 11 0E|06 08 10 1E 11 11 0E|1F 01 02 04 08 08 08
0E 11 11 0E 11 11 0E|0E 11 11 0F 01 02 0C|00 0C 0C 00 0C 0C 00|00 0C 0C 00 0C 04 08
02 04 08 10 08 04 02|00 00 1F 00 1F 00 00|08 04 02 01 02 04 08|0E 11 01 02 04 00 04
0E 11 01 0D 15 15 0E|0E 11 11 11 1F 11 11|1E 11 11 1E 11 11 1E|0E 11 10 10 10 11 0E
1C 12 11 11 11 12 1C|1F 10 10 1E 10 10 1F|1F 10 10 1E 10 10 10|0E 11 10 17 11 11 0F
11 11 11 1F 11 11 11|0E 04 04 04 04 04 0E|07 02 02 02 02 12 0C|11 12 14 18 14 12 11
10 10 10 10 10 10 1F|11 1B 15 15 11 11 11|11 11 19 15 13 11 11|0E 11 11 11 11 11 0E
1E 11 11 1E 10 10 10|0E 11 11 11 15 12 0D|1E 11 11 1E 14 12 11|0F 10 10 0E 01 01 1E
1F 04 04 04 04 04 04|11 11 11 11 11 11 0E|11 11 11 11 11 0A 04|11 11 11 15 15 15 0A
11 11 0A 04 0A 11 11|11 11 11 0A 04 04 04|1F 01 02 04 08 10 1F|0E 08 08 08 08 08 0E
00 10 08 04 02 01 00|0E 02 02 02 02 02 0E|04 0A 11 00 00 00 00|00 00 00 00 00 00 1F
08 04 02 00 00 00 00|00 00 0E 01 0F 11 0F|10 10 16 19 11 11 1E|00 00 0E 10 10 11 0E
01 01 0D 13 11 11 0F|00 00 0E 11 1F 10 0E|06 09 08 1C 08 08 08|00 0F 11 11 0F 01 0E
10 10 16 19 11 11 11|04 00 0C 04 04 04 0E|02 00 06 02 02 12 0C|10 10 12 14 18 14 12
0C 04 04 04 04 04 0E|00 00 1A 15 15 11 11|00 00 16 19 11 11 11|00 00 0E 11 11 11 0E
00 00 1E 11 1E 10 10|00 00 0D 13 0F 01 01|00 00 16 19 10 10 10|00 00 0E 10 0E 01 1E
08 08 1C 08 08 09 06|00 00 11 11 11 13 0D|00 00 11 11 11 0A 04|00 00 11 11 15 15 0A
00 00 11 0A 04 0A 11|00 00 11 11 0F 01 0E|00 00 1F 02 04 08 1F|02 04 04 08 04 04 02
04 04 04 04 04 04 04|08 04 04 02 04 04 08|00 00 08 15 02 00 00`;

const GLYPHS = ROWS.trim()
  .split(/[|\n]/)
  .map((rows) => rows.split(' ').map((row) => Number.parseInt(row, 16)));

/** The character that is drawn for a character without a glyph: an empty box. */
const BOX: Glyph = [0x1f, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1f];

/** A combining mark: two rows, and the row of the letter at which they begin. Rows above a capital letter are negative. */
interface Mark {
  readonly rows: readonly [number, number];
  readonly at: number;
}

const above = (first: number, second: number): Mark => ({ rows: [first, second], at: -3 });
const below = (first: number, second: number): Mark => ({ rows: [first, second], at: 7 });

/** Combining marks of Latin letters by their code. Other marks are left out. */
const MARKS: ReadonlyMap<number, Mark> = new Map([
  [0x300, above(0x08, 0x04)],
  [0x301, above(0x02, 0x04)],
  [0x302, above(0x04, 0x0a)],
  [0x303, above(0x0d, 0x12)],
  [0x304, above(0x00, 0x0e)],
  [0x306, above(0x11, 0x0e)],
  [0x307, above(0x00, 0x04)],
  [0x308, above(0x00, 0x0a)],
  [0x30a, above(0x0e, 0x0a)],
  [0x30b, above(0x05, 0x0a)],
  [0x30c, above(0x0a, 0x04)],
  [0x323, below(0x00, 0x04)],
  [0x326, below(0x04, 0x08)],
  [0x327, below(0x04, 0x08)],
  [0x328, below(0x04, 0x03)],
]);

/** Letters without a part above the middle. A mark above them is two rows lower. */
const LOW_LETTERS = /[aceg-jmnopqrsuvwxyz]/;

/** The rows of a letter with a mark, and the row of the letter at which they begin. */
export function markOf(letter: string, mark: string): Mark | undefined {
  const found = MARKS.get(mark.codePointAt(0) ?? 0);
  if (found === undefined || found.at > 0 || !LOW_LETTERS.test(letter) || letter === 'h') return found;
  return { ...found, at: found.at + 2 };
}

/** The glyph of a character. A character that is not printable ASCII has an empty box. `isMarked`: whether a mark takes the place of a dot. */
export function glyphOf(character: string, isMarked: boolean): Glyph {
  const glyph = GLYPHS[(character.codePointAt(0) ?? 0) - 0x20] ?? BOX;
  return isMarked && (character === 'i' || character === 'j') ? [0, ...glyph.slice(1)] : glyph;
}
