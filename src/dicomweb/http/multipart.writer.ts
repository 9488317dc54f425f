import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NotAcceptable, UpstreamFailed } from '../../problems/errors.js';

/** One part to write: its Content-Type, further headers, and how its bytes are had when its turn comes. */
export interface OutgoingPart {
  readonly type: string;
  readonly location: string;
  /** It comes at once, so it may be asked for while the one before is written: a large one would wait in the archive. */
  readonly ahead: boolean;
  readonly open: () => Promise<ArchiveBytes>;
  /** Left out when `open` throws `NotAcceptable`: of a whole, the parts that can be had are sent. */
  readonly optional?: boolean;
}

/** A `multipart/related` body (RFC 2387) as a stream; its length when it is one part whose length is known. */
export interface OutgoingMultipart {
  readonly contentType: string;
  readonly length: number | undefined;
  readonly stream: Readable;
}

/**
 * Composes parts one after the other, asking for a small next one while the present one is written: at most one is read ahead. A part that
 * cannot be had destroys the stream, so that the client never sees a clean end. `type` is the root type of the parts; `release`
 * is called when the body has been written, or will never be.
 */
export async function writeMultipart(
  type: string,
  parts: readonly [OutgoingPart, ...OutgoingPart[]],
  release: () => void = () => undefined,
): Promise<OutgoingMultipart> {
  const boundary = randomBytes(16).toString('hex');
  // Opened before the answer begins: a first part that is missing is still a proper refusal.
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
  // A client that left before the first byte: the generator never began, so nothing in it frees the archive.
  stream.once('close', () => {
    first.stream.destroy();
    release();
  });
  return { contentType: `multipart/related; type="${type}"; boundary=${boundary}`, length, stream };
}

type Parts = readonly [OutgoingPart, ...OutgoingPart[]];

/** The first part that can be had, opened, and the parts from it on; throws what the last one threw when there is none. */
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
      // Its failure is met when its turn comes.
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

/** The bytes of one part; fewer or more than were promised is a broken transfer. */
async function* checked(bytes: ArchiveBytes): AsyncGenerator<Buffer> {
  let count = 0;
  for await (const chunk of bytes.stream) {
    if (!Buffer.isBuffer(chunk)) throw new Error('the archive sent something that is no bytes');
    count += chunk.length;
    yield chunk;
  }
  if (bytes.length !== undefined && count !== bytes.length) throw new UpstreamFailed('a transfer cut short');
}

function headerOf(boundary: string, part: OutgoingPart, later = false): string {
  return `${later ? '\r\n' : ''}--${boundary}\r\nContent-Type: ${part.type}\r\nContent-Location: ${part.location}\r\n\r\n`;
}
