import { MultipartBroken } from './multipart.broken.js';
import { MultipartScanner } from './multipart.scanner.js';
import { isBoundary } from './multipart.type.js';

/** One body part: its header fields by lower-case name, and its body as a stream of chunks. */
export interface Part {
  headers: Map<string, string>;
  body: AsyncIterable<Buffer>;
}

/** The limits of a multipart body. */
export interface MultipartLimits {
  maxParts: number;
  /** Largest header of one part, in bytes. */
  maxHeaderBytes: number;
  /** Largest preamble before the first boundary, and largest epilogue after the closing boundary, in bytes. */
  maxOutsideBytes: number;
}

const DEFAULT_LIMITS: MultipartLimits = { maxParts: 10_000, maxHeaderBytes: 8192, maxOutsideBytes: 65_536 };
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)$/;

/**
 * Reads the parts of a multipart/related body (RFC 2046 §5.1, RFC 2387) in order. Chunks are passed on without a copy. Bytes of a part that
 * were not read are skipped when the next part is requested. Throws `MultipartBroken` for any fault, including a missing closing boundary.
 * The source is not closed, so that an answer can still be sent.
 */
export async function* readParts(
  source: AsyncIterable<Buffer>,
  boundary: string,
  limits: Partial<MultipartLimits> = {},
): AsyncGenerator<Part, void, undefined> {
  if (!isBoundary(boundary)) throw new MultipartBroken('boundary', 'RFC 2046 does not allow this boundary');
  const { maxParts, maxHeaderBytes, maxOutsideBytes } = { ...DEFAULT_LIMITS, ...limits };
  const scanner = new MultipartScanner(source, boundary);
  if (!(await scanner.skip(maxOutsideBytes))) throw new MultipartBroken('no-part', 'no boundary was found');
  let count = 0;
  while (!(await scanner.isClosing())) {
    count += 1;
    if (count > maxParts) throw new MultipartBroken('too-many-parts', `more than ${maxParts} parts`);
    const headers = await readFields(scanner, maxHeaderBytes);
    const body = new PartBody(scanner);
    yield { headers, body };
    await body.skipRest();
  }
  if (count === 0) throw new MultipartBroken('no-part', 'there is no part before the closing boundary');
  if (await scanner.skip(maxOutsideBytes))
    throw new MultipartBroken('boundary', 'a boundary follows the closing one');
}

/** The body of one part. The consumer can stop before the end. After the next part has been requested, this body cannot be read. */
class PartBody implements AsyncIterable<Buffer> {
  readonly #scanner: MultipartScanner;
  #state: 'open' | 'ended' | 'skipped' = 'open';
  /** The most recent read. The next read waits for it, because a consumer that stopped early can still have an unfinished read. */
  #lastRead: Promise<unknown> = Promise.resolve();

  constructor(scanner: MultipartScanner) {
    this.#scanner = scanner;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (let piece = await this.#next(); piece !== undefined; piece = await this.#next()) yield piece;
  }

  async skipRest(): Promise<void> {
    while ((await this.#next()) !== undefined);
    this.#state = 'skipped';
  }

  #next(): Promise<Buffer | undefined> {
    const piece = this.#lastRead.then(() => this.#step());
    this.#lastRead = piece.catch(() => undefined);
    return piece;
  }

  async #step(): Promise<Buffer | undefined> {
    if (this.#state === 'skipped') throw new Error('this part of the body was skipped already');
    if (this.#state === 'ended') return undefined;
    const piece = await this.#scanner.next();
    if (piece === 'end') throw new MultipartBroken('truncated', 'the body ends before its closing boundary');
    if (piece !== 'delimiter') return piece;
    this.#state = 'ended';
    return undefined;
  }
}

/** Reads the header fields up to the empty line. Folded lines are joined. Throws `MultipartBroken` for a repeated name. */
async function readFields(scanner: MultipartScanner, maxBytes: number): Promise<Map<string, string>> {
  const fields = new Map<string, string>();
  let left = maxBytes;
  let last: string | undefined;
  for (;;) {
    const line = await scanner.line(left);
    left -= line.length + 2;
    if (line === '') break;
    if (/^[ \t]/.test(line)) {
      if (last === undefined) throw new MultipartBroken('header', 'the first header line is a continuation');
      const joined = FIELD.exec(`${last}: ${fields.get(last) ?? ''} ${line.trim()}`);
      if (joined === null)
        throw new MultipartBroken('header', 'a continued header line has a control character');
      fields.set(last, (joined[2] ?? '').trim());
      continue;
    }
    const field = FIELD.exec(line);
    if (field === null) throw new MultipartBroken('header', 'a header line is not "name: value"');
    last = (field[1] ?? '').toLowerCase();
    if (fields.has(last)) throw new MultipartBroken('header', 'a header field is repeated');
    fields.set(last, (field[2] ?? '').trim());
  }
  scanner.lineEndMayBegin();
  return fields;
}
