import { Readable } from 'node:stream';
import { Slots } from '../limits/slots.js';
import { closed, withStallLimit } from '../limits/stall.limit.js';
import { NeighbourAway, UpstreamFailed } from '../problems/errors.js';
import { problemOfStatus } from './orthanc.errors.js';
import { type ArchiveAddress, ArchiveTransport, piecesOf, wholeText } from './orthanc.transport.js';

/** Orthanc has 50 threads. The others are for DICOM, its internal work and small calls. */
const CONNECTIONS = 40;
/** Answers up to this size are read at once, so that a slow client does not occupy one of Orthanc's threads. */
const AT_ONCE_BYTES = 1024 * 1024;
/** Concurrent readers of larger answers, and how long a reader may pause. */
const LARGE_READERS = 24;
const STALL_MS = 30_000;
/** Concurrent renderings, each of which needs a core of Orthanc, and decoded files, which occupy its memory while they are read. */
const PICTURES = 4;
const DECODED_FILES = 4;
/** Most slots of one account, so that a slow client delays only itself. */
const PER_ACCOUNT = { large: 16, pictures: 3, decodedFiles: 3 };

/** Bytes from Orthanc. `length`: if Orthanc sent one. Destroying `stream` frees the connection at once. */
export interface ArchiveBytes {
  readonly length: number | undefined;
  readonly stream: Readable;
  /** For a part: bytes of the whole resource. `undefined` for a whole resource. */
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
  /** Estimated bytes of the answer. */
  readonly expected?: number | undefined;
  readonly accept?: string;
  /** Bytes of the resource (RFC 9110 §14.2). */
  readonly range?: string;
  readonly computes?: 'picture' | 'decoding';
  /** Whether JSON counts as 404, because it is the list of items below an element and not a value. */
  readonly valueOnly?: boolean;
  readonly reader?: string | undefined;
  /** Ends the waiting for a free slot. */
  readonly signal?: AbortSignal | undefined;
  /** A JSON body, sent by POST. The call changes nothing in Orthanc. */
  readonly json?: string;
}

type Deliver = (bytes: ArchiveBytes) => void;

/**
 * The connections that transfer bytes. Memory is bounded: small answers by {@link AT_ONCE_BYTES}, large ones are streams with a limited
 * number of slots.
 */
export class ArchiveConnection {
  private readonly transport: ArchiveTransport;
  private readonly large = new Slots({ places: LARGE_READERS, perAccount: PER_ACCOUNT.large });
  private readonly workers = {
    picture: new Slots({ places: PICTURES, perAccount: PER_ACCOUNT.pictures }),
    decoding: new Slots({ places: DECODED_FILES, perAccount: PER_ACCOUNT.decodedFiles }),
  } as const;

  constructor(env: ArchiveAddress) {
    this.transport = new ArchiveTransport(env, CONNECTIONS);
  }

  /** Sends a body and returns the small answer as text. The body is chunked, because Orthanc allocates a declared length. */
  async send(callName: string, path: string, body: Readable): Promise<string> {
    const answer = await this.transport.request(callName, { method: 'POST', path, body });
    const text = await wholeText(callName, answer.body);
    const problem = problemOfStatus(callName, answer.statusCode);
    if (problem !== undefined) throw problem;
    return text;
  }

  close(): Promise<void> {
    return this.transport.close();
  }

  /** Reads a resource. Unless it is small, a slot is awaited before Orthanc is called, so that waiting occupies none of its threads. */
  async read(callName: string, path: string, options: ReadOptions = {}): Promise<ArchiveBytes> {
    if (isReadAtOnce(options.expected)) {
      const answer = await this.open(callName, path, options);
      if (isReadAtOnce(answer.length)) return readAtOnce(callName, answer, answer.length);
      // Larger than estimated: it waits for a slot.
      answer.body.on('error', () => undefined).destroy();
    }
    const places = options.computes === undefined ? this.large : this.workers[options.computes];
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
    const { length, body } = opened;
    if (isReadAtOnce(length)) return deliver(await readAtOnce(callName, opened, length));
    if (options.computes !== 'picture') return readSlowly(opened, deliver);
    // A large picture is rendered by now. Its reader moves to the slots for large answers, so that other renderings can start.
    const connectionLost = new AbortController();
    body.on('error', () => undefined);
    body.once('close', () => connectionLost.abort(new NeighbourAway('orthanc')));
    const signal = AbortSignal.any([
      connectionLost.signal,
      ...(options.signal === undefined ? [] : [options.signal]),
    ]);
    try {
      await new Promise<void>((entered, failed) => {
        const work = () => {
          entered();
          return readSlowly(opened, deliver);
        };
        this.large.run(work, signal, options.reader).catch(failed);
      });
    } catch (error) {
      body.destroy();
      throw error;
    }
  }

  private async open(
    callName: string,
    path: string,
    { accept, range, computes: works, valueOnly, json }: ReadOptions,
  ): Promise<OpenedBody> {
    const method = json === undefined ? { method: 'GET' as const } : { method: 'POST' as const, body: json };
    const answer = await this.transport.request(callName, {
      ...method,
      path,
      accept,
      range,
      computes: works !== undefined,
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

/** Whether an answer of this size is read at once. Then a slow client occupies no thread of Orthanc. */
export function isReadAtOnce(bytes: number | undefined): bytes is number {
  return bytes !== undefined && bytes <= AT_ONCE_BYTES;
}

/** Delivers a stream that the reader paces. Resolves when it is closed. */
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

/** Releases each piece when it is read. */
function* released(pieces: Buffer[]): Generator<Buffer> {
  for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) yield piece;
}

function isJson({ 'content-type': type }: Readonly<Record<string, unknown>>): boolean {
  return typeof type === 'string' && type.startsWith('application/json');
}
