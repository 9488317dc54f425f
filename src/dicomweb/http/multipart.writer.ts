import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NotAcceptable, UpstreamFailed } from '../../problems/errors.js';

/** One part to write: its headers, and `open`, which fetches its bytes. */
export interface OutgoingPart {
  readonly type: string;
  readonly location: string;
  /** Whether to open it while the part before is written. Only for small parts: a large one would occupy a connection of the archive. */
  readonly ahead: boolean;
  readonly open: () => Promise<ArchiveBytes>;
  /** Whether to leave the part out when `open` throws `NotAcceptable`. */
  readonly optional?: boolean;
}

/** A `multipart/related` body (RFC 2387) as a stream. `length` is known only for a single part of known length. */
export interface OutgoingMultipart {
  readonly contentType: string;
  readonly length: number | undefined;
  readonly stream: Readable;
}

/**
 * Writes parts one after the other. At most one part is opened ahead. A part that cannot be fetched destroys the stream, so that the client
 * does not take the body for complete. `type` is the media type of the root part. `release` is called once, when the body is written or
 * abandoned.
 */
export async function writeMultipart(
  type: string,
  parts: readonly [OutgoingPart, ...OutgoingPart[]],
  release: () => void = () => undefined,
): Promise<OutgoingMultipart> {
  const boundary = randomBytes(16).toString('hex');
  // Opened before the answer begins, so that a missing first part is still answered with an error status.
  const { first, begun } = await firstOf(parts).catch((error: unknown) => {
    release();
    throw error;
  });
  const [part] = begun;
  const end = `\r\n--${boundary}--\r\n`;
  const length =
    begun.length === 1 && first.length !== undefined
      ? Buffer.byteLength(headerOf(boundary, part)) + first.length + end.length
      : undefined;
  const stream = Readable.from(bodyOf(boundary, begun, first, end), {
    objectMode: false,
    highWaterMark: 64 * 1024,
  });
  // When the client disconnects before the first byte, the generator never starts and cannot free the archive's connection.
  stream.once('close', () => {
    first.stream.destroy();
    release();
  });
  return { contentType: `multipart/related; type="${type}"; boundary=${boundary}`, length, stream };
}

type Parts = readonly [OutgoingPart, ...OutgoingPart[]];

/** Opens the first part that is available, and drops the optional parts before it. Throws the last error when there is none. */
async function firstOf(parts: Parts): Promise<{ first: ArchiveBytes; begun: Parts }> {
  let [part, ...rest] = parts;
  for (;;) {
    try {
      return { first: await part.open(), begun: [part, ...rest] };
    } catch (error) {
      const [next, ...others] = rest;
      if (next === undefined || !isLeftOut(part, error)) throw error;
      [part, rest] = [next, others];
    }
  }
}

function isLeftOut(part: OutgoingPart, error: unknown): boolean {
  return part.optional === true && error instanceof NotAcceptable;
}

async function* bodyOf(
  boundary: string,
  parts: readonly OutgoingPart[],
  first: ArchiveBytes,
  end: string,
): AsyncGenerator<Buffer> {
  let ahead: Promise<ArchiveBytes> | undefined = Promise.resolve(first);
  let bytes: ArchiveBytes | undefined;
  try {
    for (const [index, part] of parts.entries()) {
      const opened: Promise<ArchiveBytes> = ahead ?? part.open();
      const next = parts[index + 1];
      bytes = await opened.catch((error: unknown) => {
        if (isLeftOut(part, error)) return undefined;
        throw error;
      });
      ahead = next?.ahead === true ? next.open() : undefined;
      // An error is reported when the part is written.
      ahead?.catch(() => undefined);
      if (bytes === undefined) continue;
      yield Buffer.from(headerOf(boundary, part, index > 0));
      yield* checked(bytes);
    }
    yield Buffer.from(end);
  } finally {
    bytes?.stream.destroy();
    ahead?.then((unread) => unread.stream.destroy()).catch(() => undefined);
  }
}

/** The bytes of one part. Throws `UpstreamFailed` when their number differs from the announced length. */
async function* checked(bytes: ArchiveBytes): AsyncGenerator<Buffer> {
  let count = 0;
  for await (const chunk of bytes.stream) {
    if (!Buffer.isBuffer(chunk)) throw new Error('the archive sent a chunk that is not bytes');
    count += chunk.length;
    yield chunk;
  }
  if (bytes.length !== undefined && count !== bytes.length) throw new UpstreamFailed('transfer of a part');
}

function headerOf(boundary: string, part: OutgoingPart, later = false): string {
  return `${later ? '\r\n' : ''}--${boundary}\r\nContent-Type: ${part.type}\r\nContent-Location: ${part.location}\r\n\r\n`;
}
