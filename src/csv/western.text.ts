import iconv from 'iconv-lite';
import { type HighByteFacts, NEIGHBOURS } from './high.bytes.js';

const { LOWER, UPPER, HIGH } = NEIGHBOURS;
const COMMON = 'áéíóúãõçêôâàèñüöäß';
const RARE = 'ìòùëïîûæøåœ';
/** Signs that stand beside blanks, digits or punctuation, not between letters. The last one is a no-break space. */
const SIGNS = 'ªº°–—‘’“”…•€£§«»¡¿·²³½¼\u{A0}';

/**
 * How well an 8-bit encoding explains the bytes above 0x7F of a whole file. A letter of a western language in a place where a word can have
 * it adds to the result. A letter of the wrong case ("JosÇ"), a sign between letters ("Jos‚") or an undefined byte subtracts from it.
 */
export function westernScore(facts: HighByteFacts, encoding: string): number {
  let score = 0;
  for (let byte = 0x80; byte <= 0xff; byte += 1) {
    const character = iconv.decode(Buffer.from([byte]), encoding);
    for (const before of Object.values(NEIGHBOURS))
      for (const after of Object.values(NEIGHBOURS)) {
        const count = facts.count(byte, before, after);
        if (count > 0) score += count * plausibility(character, before, after);
      }
  }
  return score;
}

function plausibility(character: string, before: number, after: number): number {
  const isLetter = (kind: number) => kind === LOWER || kind === UPPER;
  if (SIGNS.includes(character)) {
    if (!isLetter(before) || !isLetter(after)) return 0.25;
    return character === '’' ? 0.25 : -1;
  }
  const small = character.toLowerCase();
  const weight = COMMON.includes(small) ? 2 : RARE.includes(small) ? 1 : -2;
  if (weight < 0) return weight;
  const isAlone = !isLetter(before) && before !== HIGH && !isLetter(after) && after !== HIGH;
  if (isAlone) return 'àéóèúÉÀ'.includes(character) ? 0.25 : -0.5;
  const isSmall = character === small;
  const isWrongCase = isSmall
    ? after === UPPER
    : before === LOWER || (after === LOWER && before !== NEIGHBOURS.OTHER);
  return isWrongCase ? -weight : weight;
}
