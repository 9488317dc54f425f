import { pipeline, Readable } from 'node:stream';
import { createInflateRaw, type InflateRaw } from 'node:zlib';
import { DicomUnreadable } from './dicom.unreadable.js';

/**
 * Largest inflated size of a deflated data set that is read, in bytes. A deflated file can be a thousand times smaller than its data set. The
 * limit is the default of MAX_INSTANCE_BYTES.
 */
export const MOST_INFLATED = 2 * 1024 * 1024 * 1024;

/**
 * Inflates a deflated data set (PS3.5 §A.5) piece by piece. `ahead` holds the bytes that were read before `source`. Reading more than `most`
 * inflated bytes throws `DicomUnreadable`. `close` frees the inflater.
 */
export function inflate(
  ahead: Buffer,
  source: AsyncIterator<Buffer>,
  most: number,
): { readonly inflated: AsyncGenerator<Buffer>; readonly close: () => void } {
  const inflater = createInflateRaw();
  pipeline(Readable.from(concatenated(ahead, source), { objectMode: false }), inflater, () => undefined);
  return { inflated: inflatedBy(inflater, most), close: () => inflater.destroy() };
}

async function* inflatedBy(inflater: InflateRaw, most: number): AsyncGenerator<Buffer> {
  let left = most;
  try {
    for await (const piece of inflater) {
      if (!Buffer.isBuffer(piece)) continue;
      left -= piece.length;
      if (left < 0) throw new DicomUnreadable('too-large', 'the inflated data set is longer than allowed');
      yield piece;
    }
  } catch (error) {
    // This also catches errors of the source, which are thrown unchanged.
    const isZlib = error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
    throw isZlib ? new DicomUnreadable('deflate', 'the data set is not deflated') : error;
  }
}

async function* concatenated(ahead: Buffer, source: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield ahead;
  for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value;
}
