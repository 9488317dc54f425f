import { Readable } from 'node:stream';
import { Slots } from '../limits/slots.js';
import { closed, withStallLimit } from '../limits/stall.limit.js';
import { NeighbourAway, UpstreamFailed } from '../problems/errors.js';
import { problemOfStatus } from './orthanc.errors.js';
import { type ArchiveAddress, ArchiveTransport, piecesOf, wholeText } from './orthanc.transport.js';

/** Orthanc has 50 threads; some are left for its DICOM side, its own work and the small calls. */
const CONNECTIONS = 40;
/** What is at most this large is taken out of Orthanc at once, so that no slow reader holds one of its threads. */
const AT_ONCE_BYTES = 1024 * 1024;
/** Readers of larger things at one time, and how long one may take nothing. */
const LARGE_READERS = 24;
const STALL_MS = 30_000;
/** Pictures cost Orthanc a core until they are made, decoded files its memory as long as their reader takes. */
const PICTURES = 4;
const DECODED_FILES = 4;
/** What one account has of these at most: whoever reads slowly keeps out nobody but themselves. */
const PER_ACCOUNT = { large: 16, pictures: 3, decodedFiles: 3 };
/** Bytes from the archive: `length` when it said one. Destroying `stream` frees the connection at once. */
export interface ArchiveBytes {
  readonly length: number | undefined;
  readonly stream: Readable;
  /** Bytes of the whole resource where these are the part of it that was asked for; `undefined` where they are the whole. */
  readonly total?: number | undefined;
}

/** An answer whose body has not been read. */
interface OpenedBody {
  readonly length: number | undefined;
  readonly total: number | undefined;
  readonly body: Readable;
}

/** How to ask: about how many bytes are expected, which media type, what the archive has to compute, for which account. */
export interface ReadOptions {
  readonly expected?: number | undefined;
  readonly accept?: string;
  /** Bytes of the resource (RFC 9110 §14.2). */
  readonly range?: string;
  readonly computes?: 'picture' | 'decoding';
  /** Whether JSON, the list of what is below an element, is no answer. */
  readonly valueOnly?: boolean;
  readonly reader?: string | undefined;
  /** Aborts when the reader is gone: waiting for a place ends. */
  readonly signal?: AbortSignal | undefined;
  /** What the archive is told to make of it; it is asked by POST then, and changes nothing. */
  readonly json?: string;
}

type Deliver = (bytes: ArchiveBytes) => void;

/**
 * The one set of connections that bytes come and go by. Nothing here holds a body: small things are bounded by
 * {@link AT_ONCE_BYTES}, large ones are streams behind a bounded number of slots.
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

  /** Sends a body and gives the whole, small answer as text; always chunked, since a length makes Orthanc allocate it. */
  async send(what: string, path: string, body: Readable): Promise<string> {
    const answer = await this.transport.request(what, { method: 'POST', path, body });
    const text = await wholeText(what, answer.body);
    const problem = problemOfStatus(what, answer.statusCode);
    if (problem !== undefined) throw problem;
    return text;
  }

  close(): Promise<void> {
    return this.transport.close();
  }

  /** Reads. What is not known to be small waits for a place before Orthanc is asked, so that waiting holds none of its threads. */
  async read(what: string, path: string, manner: ReadOptions = {}): Promise<ArchiveBytes> {
    if (isReadAtOnce(manner.expected)) {
      const answer = await this.open(what, path, manner);
      if (isReadAtOnce(answer.length)) return readAtOnce(what, answer, answer.length);
      // Larger than was thought: it waits in line like all that are.
      answer.body.on('error', () => undefined).destroy();
    }
    const places = manner.computes === undefined ? this.large : this.workers[manner.computes];
    return new Promise((resolve, reject) => {
      const work = () => this.readInPlace(what, path, manner, resolve);
      places.run(work, manner.signal, manner.reader).catch(reject);
    });
  }

  /** Hands the bytes to `give` as soon as they come; ends when Orthanc's thread, or what the bytes take here, is free again. */
  private async readInPlace(what: string, path: string, manner: ReadOptions, give: Deliver): Promise<void> {
    const opened = await this.open(what, path, manner);
    const { length, body } = opened;
    if (isReadAtOnce(length)) return give(await readAtOnce(what, opened, length));
    if (manner.computes !== 'picture') return readSlowly(opened, give);
    // A large picture is made by now: its slow reader must not keep others from theirs. Only few wait so, with one of Orthanc's threads.
    const lost = new AbortController();
    body.on('error', () => undefined);
    body.once('close', () => lost.abort(new NeighbourAway('orthanc')));
    const signal = AbortSignal.any([lost.signal, ...(manner.signal === undefined ? [] : [manner.signal])]);
    try {
      await new Promise<void>((entered, failed) => {
        const work = () => {
          entered();
          return readSlowly(opened, give);
        };
        this.large.run(work, signal, manner.reader).catch(failed);
      });
    } catch (error) {
      body.destroy();
      throw error;
    }
  }

  private async open(
    what: string,
    path: string,
    { accept, range, computes: works, valueOnly, json }: ReadOptions,
  ): Promise<OpenedBody> {
    const asked = json === undefined ? { method: 'GET' as const } : { method: 'POST' as const, body: json };
    const answer = await this.transport.request(what, {
      ...asked,
      path,
      accept,
      range,
      computes: works !== undefined,
    });
    const isList = valueOnly === true && isJson(answer.headers);
    const problem = problemOfStatus(what, isList ? 404 : answer.statusCode);
    if (problem !== undefined) {
      await answer.body.dump().catch(() => undefined);
      throw problem;
    }
    const { 'content-length': declared, 'content-range': part } = answer.headers;
    const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(String(part)) ?? [];
    if (first !== undefined && range !== `bytes=${first}-${last}`) {
      answer.body.on('error', () => undefined).destroy();
      throw new UpstreamFailed(`${what}: another part`);
    }
    return {
      length: typeof declared === 'string' ? Number(declared) : undefined,
      total: total === undefined ? undefined : Number(total),
      body: answer.body,
    };
  }
}

/** Whether something of this size is taken out of the archive at once, and holds nothing there while its reader is slow. */
export function isReadAtOnce(bytes: number | undefined): bytes is number {
  return bytes !== undefined && bytes <= AT_ONCE_BYTES;
}

/** Gives a stream that is bounded by its reader's pace; ends when it is closed. */
async function readSlowly({ length, total, body }: OpenedBody, give: Deliver): Promise<void> {
  const stream = withStallLimit(body, STALL_MS);
  give({ length, total, stream });
  await closed(stream);
}

async function readAtOnce(what: string, { body, total }: OpenedBody, length: number): Promise<ArchiveBytes> {
  const pieces = await piecesOf(what, body, AT_ONCE_BYTES);
  const held = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (held !== length) throw new UpstreamFailed(what);
  const stream = Readable.from(released(pieces), { objectMode: false, highWaterMark: 1 });
  return { length, total, stream };
}

/** Each piece is let go of when its turn comes. */
function* released(pieces: Buffer[]): Generator<Buffer> {
  for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) yield piece;
}

function isJson({ 'content-type': type }: Readonly<Record<string, unknown>>): boolean {
  return typeof type === 'string' && type.startsWith('application/json');
}
