import { Readable } from 'node:stream';
import type { Refusal } from '../../http/problem.answer.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import type { DicomwebAnswer } from './dicomweb.answer.js';
import type { DicomwebRequest } from './dicomweb.request.js';

/** A range of bytes. Both ends are included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/**
 * The single range of a `Range` header (RFC 9110 §14.2) in a body of `length` bytes. Returns `undefined` when the whole body must be sent:
 * the header has no range or several ranges, or the unit is not bytes. Returns `unsatisfiable` when the range is outside the body.
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

/**
 * The range that a request asks of a body with this entity tag (RFC 9110 §13.1.5, §14.2). Returns `undefined` when the whole body must be
 * sent, and `unsatisfiable` when the range is outside the body.
 */
export function partOf(
  { range, ifRange }: Pick<DicomwebRequest, 'range' | 'ifRange'>,
  etag: string,
  length: number,
): ByteRange | 'unsatisfiable' | undefined {
  return ifRange === undefined || ifRange === etag ? rangeWithin(range, length) : undefined;
}

/** 416 Range Not Satisfiable, for a body of `length` bytes. */
export function outsideBody(length: number): DicomwebAnswer {
  const refusal: Refusal = {
    code: 'range-not-satisfiable',
    detail: 'The range is outside the body. Ask for a range within its length.',
    headers: { 'content-range': `bytes */${length}` },
  };
  return { status: 416, headers: { 'accept-ranges': 'bytes' }, body: undefined, refusal };
}

/** The bytes of a range. After the last byte of the range, the stream from the archive is destroyed. */
export function sliceOf(bytes: ArchiveBytes, { first, last }: ByteRange): ArchiveBytes {
  const stream = Readable.from(between(bytes.stream, first, last + 1), { objectMode: false });
  stream.once('close', () => bytes.stream.destroy());
  return { length: last + 1 - first, stream };
}

async function* between(source: Readable, start: number, end: number): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const chunk of source) {
    if (!Buffer.isBuffer(chunk)) throw new Error('the stream has a chunk that is not bytes');
    const piece = chunk.subarray(Math.max(start - at, 0), Math.max(end - at, 0));
    at += chunk.length;
    if (piece.length > 0) yield piece;
    if (at >= end) return;
  }
  throw new Error('the transfer ended before the range');
}
