import { Readable } from 'node:stream';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';

/** A run of bytes, both ends included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/**
 * The one range of a `Range` header (RFC 9110 §14.2) within `length` bytes; `undefined` when the whole is meant (none, several, another
 * unit), `unsatisfiable` when it lies outside.
 */
export function rangeWithin(
  header: string | undefined,
  length: number,
): ByteRange | 'unsatisfiable' | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  if (from === '') {
    const count = Math.min(Number(to), length);
    return count === 0 ? 'unsatisfiable' : { first: length - count, last: length - 1 };
  }
  const first = Number(from);
  const last = to === '' ? length - 1 : Math.min(Number(to), length - 1);
  if (to !== '' && Number(to) < first) return undefined;
  return first >= length ? 'unsatisfiable' : { first, last };
}

/** The bytes of a range out of the whole; the archive is freed as soon as the last was read. */
export function cut(bytes: ArchiveBytes, { first, last }: ByteRange): ArchiveBytes {
  const stream = Readable.from(between(bytes.stream, first, last + 1), { objectMode: false });
  stream.once('close', () => bytes.stream.destroy());
  return { length: last + 1 - first, stream };
}

async function* between(source: Readable, start: number, end: number): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const chunk of source) {
    if (!Buffer.isBuffer(chunk)) throw new Error('no bytes');
    const piece = chunk.subarray(Math.max(start - at, 0), Math.max(end - at, 0));
    at += chunk.length;
    if (piece.length > 0) yield piece;
    if (at >= end) return;
  }
  throw new Error('a transfer cut short');
}
