import iconv from 'iconv-lite';
import type { ProbeFacts } from './csv.probe.js';
import { FileRefused } from './csv.refusal.js';
import { type KnownNames, knownNames } from './header.finder.js';
import { westernScore } from './western.text.js';

/** The supported encodings. */
export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'macintosh', 'cp850'] as const;
export type CsvEncoding = (typeof ENCODINGS)[number];

/** The reason for the choice of an encoding, in order of precedence. `damaged-utf-8` is UTF-8 with invalid bytes in some lines. */
export type EncodingReason =
  'named' | 'byte-order-mark' | 'nul-pattern' | 'strict-utf-8' | 'damaged-utf-8' | 'header-words';

/** The encoding with the reason for the choice. `skip` is the length of the byte order mark. */
export interface EncodingChoice {
  readonly encoding: CsvEncoding;
  readonly reason: EncodingReason;
  readonly skip: number;
}

/** Labels of the encodings. The labels of ISO-8859-1 and US-ASCII mean windows-1252 (WHATWG Encoding). */
const LABELS: Readonly<Record<string, CsvEncoding>> = {
  utf8: 'utf-8',
  unicode: 'utf-16le',
  utf16: 'utf-16le',
  utf16le: 'utf-16le',
  utf16be: 'utf-16be',
  windows1252: 'windows-1252',
  cp1252: 'windows-1252',
  ansi: 'windows-1252',
  iso88591: 'windows-1252',
  latin1: 'windows-1252',
  ascii: 'windows-1252',
  usascii: 'windows-1252',
  macintosh: 'macintosh',
  macroman: 'macintosh',
  mac: 'macintosh',
  cp850: 'cp850',
  ibm850: 'cp850',
  dos: 'cp850',
};

/**
 * Chooses the encoding. The order of precedence is: the requested encoding, a byte order mark, a pattern of NUL bytes, UTF-8 (also with
 * invalid bytes in some lines), and the 8-bit encoding that explains the header and the letters best.
 */
export function chooseEncoding(facts: ProbeFacts, aliases: KnownNames, named?: string): EncodingChoice {
  const mark = byteOrderMark(facts.head);
  if (named !== undefined) return byName(named, facts, aliases, mark);
  if (mark !== undefined) return { ...mark, reason: 'byte-order-mark' };
  const wide = nulPattern(facts.head);
  if (wide !== undefined) return { encoding: wide, reason: 'nul-pattern', skip: 0 };
  if (facts.utf8) return { encoding: 'utf-8', reason: 'strict-utf-8', skip: 0 };
  const { encoding } = judgeText(facts, aliases);
  return { encoding, reason: encoding === 'utf-8' ? 'damaged-utf-8' : 'header-words', skip: 0 };
}

/** Whether a label names a supported encoding. */
export const isEncoding = (named: string): boolean => encodingOf(named) !== undefined;

function encodingOf(named: string): CsvEncoding | undefined {
  const label = labelOf(named);
  return Object.hasOwn(LABELS, label) ? LABELS[label] : undefined;
}

const labelOf = (named: string): string => named.toLowerCase().replace(/[^a-z0-9]/gu, '');

function byName(
  named: string,
  facts: ProbeFacts,
  aliases: KnownNames,
  mark: { encoding: CsvEncoding; skip: number } | undefined,
): EncodingChoice {
  const known = encodingOf(named);
  if (known === undefined) throw new FileRefused('file-encoding-unknown');
  // "utf-16" does not say the byte order, so the byte order mark or the pattern of NUL bytes decides.
  const wanted = labelOf(named) === 'utf16' ? (mark?.encoding ?? nulPattern(facts.head) ?? known) : known;
  const contradicts = mark !== undefined && mark.encoding !== wanted;
  const wide = nulPattern(facts.head);
  if (
    contradicts ||
    (wide !== undefined && wide !== wanted) ||
    (wanted === 'utf-8' && !isUtf8(facts, aliases)) ||
    (EIGHT_BIT.includes(wanted) && !facts.ascii && isSurelyUtf8(facts, aliases))
  )
    throw new FileRefused('file-encoding-wrong');
  return { encoding: wanted, reason: 'named', skip: mark?.skip ?? 0 };
}

function byteOrderMark(head: Buffer): { encoding: CsvEncoding; skip: number } | undefined {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return { encoding: 'utf-8', skip: 3 };
  if (head[0] === 0xff && head[1] === 0xfe) return { encoding: 'utf-16le', skip: 2 };
  if (head[0] === 0xfe && head[1] === 0xff) return { encoding: 'utf-16be', skip: 2 };
  return undefined;
}

/**
 * Detects UTF-16 by its NUL bytes. In a western list, most characters have one NUL byte: the second byte in UTF-16LE, the first in
 * UTF-16BE.
 */
function nulPattern(head: Buffer): CsvEncoding | undefined {
  const sample = head.subarray(0, 4_096);
  let even = 0;
  let odd = 0;
  for (const [at, byte] of sample.entries()) {
    if (byte !== 0) continue;
    if (at % 2 === 0) even += 1;
    else odd += 1;
  }
  const half = sample.length / 2;
  if (odd > half * 0.6 && even < half * 0.1) return 'utf-16le';
  return even > half * 0.6 && odd < half * 0.1 ? 'utf-16be' : undefined;
}

const EIGHT_BIT: readonly CsvEncoding[] = ['windows-1252', 'macintosh', 'cp850'];
/**
 * A line of another encoding is valid UTF-8 only by chance. An invalid line of UTF-8 needs one damaged byte. So one valid line outweighs
 * this number of invalid lines.
 */
const VALID_LINE_WEIGHT = 4;
/** The lowest score for an encoding of old systems. With less evidence, a damaged byte is more probable than such a system. */
const RARE_ENCODING_SCORE = 4;

const isUtf8 = (facts: ProbeFacts, aliases: KnownNames): boolean =>
  facts.utf8 || judgeText(facts, aliases).encoding === 'utf-8';

/** Whether an 8-bit encoding would turn the letters of the file into others ("Ã£" for "ã"). */
const isSurelyUtf8 = (facts: ProbeFacts, aliases: KnownNames): boolean =>
  isUtf8(facts, aliases) && facts.high.utf8Lines > facts.high.brokenLines;

/**
 * Chooses between UTF-8 with invalid bytes and the 8-bit encodings. An encoding that loses known column names is never chosen. If several
 * encodings give the same column names, the valid and invalid lines of the whole file decide about UTF-8. The letters of the whole file
 * decide between the 8-bit encodings. If no 8-bit encoding explains the letters, the file is UTF-8 with damaged bytes.
 */
function judgeText({ head, high }: ProbeFacts, aliases: KnownNames): { encoding: CsvEncoding } {
  const utf8 = { encoding: 'utf-8' as const, known: knownNames(iconv.decode(head, 'utf-8'), aliases) };
  const [best] = EIGHT_BIT.map((encoding) => ({
    encoding,
    known: knownNames(iconv.decode(head, encoding), aliases),
    score: westernScore(high, encoding),
  }))
    .filter(({ encoding, known, score }) => {
      const isRare = encoding !== 'windows-1252' && known === utf8.known;
      return !isRare || score >= RARE_ENCODING_SCORE;
    })
    .sort((one, other) => other.known - one.known || other.score - one.score);
  if (best === undefined || utf8.known > best.known) return utf8;
  if (best.known > utf8.known) return best;
  return high.utf8Lines * VALID_LINE_WEIGHT > high.brokenLines || best.score <= 0 ? utf8 : best;
}

/** The text of the first bytes of a file, without the byte order mark. */
export const decodeHead = (facts: ProbeFacts, choice: EncodingChoice): string =>
  iconv.decode(facts.head.subarray(choice.skip), choice.encoding, { stripBOM: false });

/** Converts a file to UTF-8 without a byte order mark. It converts one chunk at a time, so its memory use is constant. */
export async function* toUtf8(source: AsyncIterable<Buffer>, choice: EncodingChoice): AsyncGenerator<Buffer> {
  const decoder =
    choice.encoding === 'utf-8' ? undefined : iconv.getDecoder(choice.encoding, { stripBOM: false });
  let skip = choice.skip;
  for await (const chunk of source) {
    const bytes = chunk.subarray(skip);
    skip = Math.max(0, skip - chunk.length);
    if (bytes.length > 0) yield decoder === undefined ? bytes : Buffer.from(decoder.write(bytes));
  }
  const rest = decoder?.end();
  if (rest !== undefined && rest !== '') yield Buffer.from(rest);
}
