import { Readable } from 'node:stream';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';

/**
 * The same bytes without a zero at their end, which pads a document of odd length (PS3.5 §6.2, OB). It is for documents whose file does not
 * contain their length. The length of the result is not known before its end.
 */
export function withoutPadding({ stream }: ArchiveBytes): ArchiveBytes {
  const unpadded = Readable.from(unpaddedOf(stream), { objectMode: false });
  unpadded.once('close', () => stream.on('error', () => undefined).destroy());
  return { length: undefined, stream: unpadded };
}

async function* unpaddedOf(stream: Readable): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0);
  for await (const piece of stream) {
    if (!Buffer.isBuffer(piece) || piece.length === 0) continue;
    if (held.length > 0) yield held;
    held = piece;
  }
  yield held.at(-1) === 0 ? held.subarray(0, -1) : held;
}
