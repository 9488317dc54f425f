import { MultipartBroken } from './multipart.broken.js';
import { MultipartScanner } from './multipart.scanner.js';
import { isBoundary } from './multipart.type.js';

/** One body part: its header fields by lower-case name, its body as it arrives. */
export interface Part {
  headers: Map<string, string>;
  body: AsyncIterable<Buffer>;
}

/** What a multipart body may cost at most. */
export interface MultipartLimits {
  maxParts: number;
  /** Bytes of one part's header block. */
  maxHeaderBytes: number;
  /** Bytes before the first boundary, and again after the closing one. */
  maxAsideBytes: number;
}

const DEFAULT_LIMITS: MultipartLimits = { maxParts: 10_000, maxHeaderBytes: 8192, maxAsideBytes: 65_536 };
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)$/;

/**
 * The parts of a multipart/related body (RFC 2046 §5.1, RFC 2387) in order. Nothing of a body is held: chunks pass on without a
 * copy, and what a consumer leaves unread of a part is skipped when it asks for the next one. Any fault, the missing closing
 * boundary too, is MultipartBroken and never a clean end. The source is not closed, so that an answer can still be sent.
 */
export async function* readParts(
  source: AsyncIterable<Buffer>,
  boundary: string,
  limits: Partial<MultipartLimits> = {},
): AsyncGenerator<Part, void, undefined> {
  if (!isBoundary(boundary)) throw new MultipartBroken('boundary', 'the boundary is not one RFC 2046 allows');
  const { maxParts, maxHeaderBytes, maxAsideBytes } = { ...DEFAULT_LIMITS, ...limits };
  const scanner = new MultipartScanner(source, boundary);
  if (!(await scanner.skip(maxAsideBytes))) throw new MultipartBroken('no-part', 'no boundary was found');
  let count = 0;
  while (!(await scanner.isClosing())) {
    count += 1;
    if (count > maxParts) throw new MultipartBroken('too-many-parts', `more than ${maxParts} parts`);
    const headers = await readFields(scanner, maxHeaderBytes);
    const body = new PartBody(scanner);
    yield { headers, body };
    await body.pass();
  }
  if (count === 0) throw new MultipartBroken('no-part', 'there is no part before the closing boundary');
  if (await scanner.skip(maxAsideBytes))
    throw new MultipartBroken('boundary', 'a boundary follows the closing one');
}

/** One part's body. It may be left early; it cannot be read once the next part was asked for. */
class PartBody implements AsyncIterable<Buffer> {
  readonly #scanner: MultipartScanner;
  #state: 'open' | 'ended' | 'passed' = 'open';
  /** Reads take turns: a consumer that gave up may still have one under way when the rest is passed by. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(scanner: MultipartScanner) {
    this.#scanner = scanner;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (let piece = await this.#next(); piece !== undefined; piece = await this.#next()) yield piece;
  }

  async pass(): Promise<void> {
    while ((await this.#next()) !== undefined);
    this.#state = 'passed';
  }

  #next(): Promise<Buffer | undefined> {
    const piece = this.#turn.then(() => this.#step());
    this.#turn = piece.catch(() => undefined);
    return piece;
  }

  async #step(): Promise<Buffer | undefined> {
    if (this.#state === 'passed') throw new Error('this part of the body was passed by');
    if (this.#state === 'ended') return undefined;
    const piece = await this.#scanner.next();
    if (piece === 'end') throw new MultipartBroken('truncated', 'the body ends before its closing boundary');
    if (piece !== 'delimiter') return piece;
    this.#state = 'ended';
    return undefined;
  }
}

/** Header fields up to the empty line; folded lines are joined, a repeated name is a fault. */
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
    if (fields.has(last)) throw new MultipartBroken('header', 'a header field is there twice');
    fields.set(last, (field[2] ?? '').trim());
  }
  scanner.lineEndMayBegin();
  return fields;
}
