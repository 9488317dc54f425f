import iconv from 'iconv-lite';
import { foldHeader } from '../mapping/words/folding.js';
import type { ProbeFacts } from './csv.probe.js';
import { FileRefused } from './csv.refusal.js';

/** The supported encodings. */
export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'macintosh', 'cp850'] as const;
export type CsvEncoding = (typeof ENCODINGS)[number];

/** The reason for the choice of an encoding, in order of precedence. */
export type EncodingReason = 'named' | 'byte-order-mark' | 'nul-pattern' | 'strict-utf-8' | 'header-words';

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
 * Chooses the encoding. The order of precedence is: the requested encoding, a byte order mark, a pattern of NUL bytes, valid UTF-8, and
 * known column names in the header.
 */
export function chooseEncoding(
  facts: ProbeFacts,
  aliases: ReadonlyMap<string, string>,
  named?: string,
): EncodingChoice {
  const mark = byteOrderMark(facts.head);
  if (named !== undefined) return byName(named, facts, mark);
  if (mark !== undefined) return { ...mark, reason: 'byte-order-mark' };
  const wide = nulPattern(facts.head);
  if (wide !== undefined) return { encoding: wide, reason: 'nul-pattern', skip: 0 };
  if (facts.ascii || facts.utf8) return { encoding: 'utf-8', reason: 'strict-utf-8', skip: 0 };
  return { encoding: byHeader(facts.head, aliases), reason: 'header-words', skip: 0 };
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
    (wanted === 'utf-8' && !facts.ascii && !facts.utf8)
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

const LETTERS = /[áàâãäçéèêëíìîïñóòôõöúùûüÁÀÂÃÄÇÉÈÊËÍÌÎÏÑÓÒÔÕÖÚÙÛÜºª]/gu;

/**
 * Chooses one of the three 8-bit encodings: the encoding that gives the most known column names. If several encodings give the same number,
 * the encoding with the most western letters is chosen.
 */
function byHeader(head: Buffer, aliases: ReadonlyMap<string, string>): CsvEncoding {
  const candidates: CsvEncoding[] = ['windows-1252', 'macintosh', 'cp850'];
  const scored = candidates.map((encoding) => {
    const text = iconv.decode(head.subarray(0, 65_536), encoding);
    const names = headerLine(text).split(/[,;\t|]/u);
    const known = names.filter((name) => aliases.has(foldHeader(name.replaceAll('"', '')))).length;
    return { encoding, known, letters: text.match(LETTERS)?.length ?? 0 };
  });
  const [best] = scored.sort((one, other) => other.known - one.known || other.letters - one.letters);
  return best?.encoding ?? 'windows-1252';
}

function headerLine(text: string): string {
  const [first = '', second = ''] = text.split(/\r\n|\n|\r/u, 2);
  return /^sep=.$/iu.test(first) ? second : first;
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
