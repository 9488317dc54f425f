import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NotAcceptable, UpstreamFailed } from '../../problems/errors.js';

/** One part to write. `open` fetches its bytes. */
export interface OutgoingPart {
  readonly type: string;
  readonly location: string;
  /**
   * Whether to open this part while the previous part is written. True only for small parts, because a large part would occupy a connection
   * to the archive.
   */
  readonly ahead: boolean;
  readonly open: () => Promise<ArchiveBytes>;
  /** Whether to leave the part out when `open` throws `NotAcceptable`. */
  readonly optional?: boolean;
}

/**
 * A `multipart/related` body (RFC 2387) as a stream. `length` is known only if the body has a single part and the length of that part is
 * known.
 */
export interface OutgoingMultipart {
  readonly contentType: string;
  readonly length: number | undefined;
  readonly stream: Readable;
}

/**
 * Writes parts one after the other. At most one part is opened before the previous part is complete. If a part cannot be fetched, the
 * stream is destroyed, so that the client notices the incomplete body. `type` is the media type of the root part. `release` is called once,
 * when the body has been written or abandoned. The default of `boundary` is a random text.
 */
export async function writeMultipart(
  type: string,
  parts: readonly [OutgoingPart, ...OutgoingPart[]],
  release: () => void = () => undefined,
  boundary: string = randomBytes(16).toString('hex'),
): Promise<OutgoingMultipart> {
  // The first part is opened before the answer begins. If it is missing, the answer can still have an error status.
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
  // If the client disconnects before the first byte, the generator never starts. So it cannot free the connection to the archive.
  stream.once('close', () => {
    first.stream.destroy();
    release();
  });
  return { contentType: multipartType(type, boundary), length, stream };
}

/** The Content-Type of a multipart body. `type` is the media type of the root part. */
export function multipartType(type: string, boundary: string): string {
  return `multipart/related; type="${type}"; boundary=${boundary}`;
}

type Parts = readonly [OutgoingPart, ...OutgoingPart[]];

/**
 * Opens the first available part. Optional parts before it are left out when they are not available. Throws the last error when no part is
 * available.
 */
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
      // The error is thrown later, when this part is written.
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

/** Passes on the bytes of one part. Throws `UpstreamFailed` when their number differs from the announced length. */
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
