import { Readable } from 'node:stream';
import { Slots } from '../limits/slots.js';
import { closed, withStallLimit } from '../limits/stall.limit.js';
import { UpstreamFailed } from '../problems/errors.js';
import { problemOfStatus } from './orthanc.errors.js';
import { type ArchiveAddress, ArchiveTransport, piecesOf, wholeText } from './orthanc.transport.js';

/** Number of connections for files. Orthanc has 50 threads. The remaining threads serve small calls and other clients of Orthanc. */
const CONNECTIONS = 40;
/** Largest answer, in bytes, that is read completely into memory. A slow client then does not occupy a thread of Orthanc. */
const AT_ONCE_BYTES = 1024 * 1024;
/** Largest number of concurrent readers of answers above {@link AT_ONCE_BYTES}, and the longest pause of such a reader. */
const LARGE_READERS = 24;
const STALL_MS = 30_000;
/** Largest number of concurrent modified copies. A copy occupies memory of Orthanc until it has been read. */
const COPIES = 4;
/** Largest number of slots for one account. A slow client can then delay only its own requests. */
const LARGE_PER_ACCOUNT = 16;

/** Bytes from Orthanc. `length` is `undefined` when Orthanc did not send a length. Destroying `stream` frees the connection immediately. */
export interface ArchiveBytes {
  readonly length: number | undefined;
  readonly stream: Readable;
  /** Size of the whole resource in bytes, when `stream` is only a part of the resource. Otherwise `undefined`. */
  readonly total?: number | undefined;
}

/** An answer whose body has not been read. */
interface OpenedBody {
  readonly length: number | undefined;
  readonly total: number | undefined;
  readonly body: Readable;
}

/** Options of a read. */
export interface ReadOptions {
  /** Estimated size of the answer in bytes. */
  readonly expected?: number | undefined;
  /** Value of the `Range` header (RFC 9110 §14.2). */
  readonly range?: string;
  /** Whether Orthanc makes a modified copy of an instance. */
  readonly modifies?: boolean;
  /** Whether a JSON answer is treated as 404. Orthanc sends JSON when the element is a sequence: the JSON is a list of the items. */
  readonly valueOnly?: boolean;
  readonly reader?: string | undefined;
  /** When this signal aborts, the call stops waiting for a free slot. */
  readonly signal?: AbortSignal | undefined;
  /** A JSON body, which is sent by POST. A call with such a body changes nothing in Orthanc. */
  readonly json?: string;
}

type Deliver = (bytes: ArchiveBytes) => void;

/**
 * The connections to Orthanc for files. They use limited memory: an answer of at most {@link AT_ONCE_BYTES} is read into memory, and a
 * larger answer is a stream. Slots limit the number of such streams.
 */
export class ArchiveConnection {
  private readonly transport: ArchiveTransport;
  private readonly large = new Slots({ places: LARGE_READERS, perAccount: LARGE_PER_ACCOUNT });
  private readonly copies = new Slots({ places: COPIES });

  constructor(env: ArchiveAddress) {
    this.transport = new ArchiveTransport(env, CONNECTIONS);
  }

  /**
   * Sends a body and returns the small answer as text. The body is sent with chunked transfer coding, because Orthanc would allocate memory
   * for a declared Content-Length. With `opensConnection`, no idle connection is used.
   */
  async send(callName: string, path: string, body: Readable, opensConnection: boolean): Promise<string> {
    const call = { method: 'POST' as const, path, body, opensConnection };
    const answer = await this.transport.request(callName, call);
    const text = await wholeText(callName, answer.body);
    const problem = problemOfStatus(callName, answer.statusCode);
    if (problem !== undefined) throw problem;
    return text;
  }

  close(): Promise<void> {
    return this.transport.close();
  }

  /** Reads a resource. For a large resource, the call first waits for a slot and then calls Orthanc, so that no thread of Orthanc waits. */
  async read(callName: string, path: string, options: ReadOptions = {}): Promise<ArchiveBytes> {
    if (isReadAtOnce(options.expected)) {
      const answer = await this.open(callName, path, options);
      if (isReadAtOnce(answer.length)) return readAtOnce(callName, answer, answer.length);
      // The answer is larger than estimated. It is requested again when a slot is free.
      answer.body.on('error', () => undefined).destroy();
    }
    const places = options.modifies === true ? this.copies : this.large;
    return new Promise((resolve, reject) => {
      const work = () => this.readInPlace(callName, path, options, resolve);
      places.run(work, options.signal, options.reader).catch(reject);
    });
  }

  /** Calls `deliver` as soon as Orthanc answers. Resolves when the thread of Orthanc and the memory are free again. */
  private async readInPlace(
    callName: string,
    path: string,
    options: ReadOptions,
    deliver: Deliver,
  ): Promise<void> {
    const opened = await this.open(callName, path, options);
    const { length } = opened;
    if (isReadAtOnce(length)) return deliver(await readAtOnce(callName, opened, length));
    return readSlowly(opened, deliver);
  }

  private async open(
    callName: string,
    path: string,
    { range, modifies, valueOnly, json }: ReadOptions,
  ): Promise<OpenedBody> {
    const method = json === undefined ? { method: 'GET' as const } : { method: 'POST' as const, body: json };
    const answer = await this.transport.request(callName, {
      ...method,
      path,
      range,
      computes: modifies,
    });
    const isList = valueOnly === true && isJson(answer.headers);
    const problem = problemOfStatus(callName, isList ? 404 : answer.statusCode);
    if (problem !== undefined) {
      await answer.body.dump().catch(() => undefined);
      throw problem;
    }
    const { 'content-length': declared, 'content-range': part } = answer.headers;
    const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(String(part)) ?? [];
    if (first !== undefined && range !== `bytes=${first}-${last}`) {
      answer.body.on('error', () => undefined).destroy();
      throw new UpstreamFailed(`${callName}: another part`);
    }
    return {
      length: typeof declared === 'string' ? Number(declared) : undefined,
      total: total === undefined ? undefined : Number(total),
      body: answer.body,
    };
  }
}

/** Whether an answer of this size is read completely into memory. */
export function isReadAtOnce(bytes: number | undefined): bytes is number {
  return bytes !== undefined && bytes <= AT_ONCE_BYTES;
}

/** Delivers the body as a stream, which the client reads at its own speed. Resolves when the stream is closed. */
async function readSlowly({ length, total, body }: OpenedBody, deliver: Deliver): Promise<void> {
  const stream = withStallLimit(body, STALL_MS);
  deliver({ length, total, stream });
  await closed(stream);
}

async function readAtOnce(
  callName: string,
  { body, total }: OpenedBody,
  length: number,
): Promise<ArchiveBytes> {
  const pieces = await piecesOf(callName, body, AT_ONCE_BYTES);
  const held = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (held !== length) throw new UpstreamFailed(callName);
  const stream = Readable.from(released(pieces), { objectMode: false, highWaterMark: 1 });
  return { length, total, stream };
}

/** Yields the pieces and removes each piece from the list, so that its memory is freed early. */
function* released(pieces: Buffer[]): Generator<Buffer> {
  for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) yield piece;
}

function isJson({ 'content-type': type }: Readonly<Record<string, unknown>>): boolean {
  return typeof type === 'string' && type.startsWith('application/json');
}
