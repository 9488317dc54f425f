import { Readable } from 'node:stream';
import type { Offered } from '../../audit/readings.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';

/** Tells a reading what is offered to its reader: `what` at once, and its bytes with it, or as they leave where nobody knows yet how many they are. */
export function metered(bytes: ArchiveBytes, what: Offered, offered: (what: Offered) => void): ArchiveBytes {
  offered({ ...what, bytes: bytes.length ?? 0 });
  if (bytes.length !== undefined) return bytes;
  const stream = Readable.from(counted(bytes.stream, offered), { objectMode: false });
  // A client that left before the first byte: the generator never began, so nothing in it frees the archive.
  stream.once('close', () => bytes.stream.on('error', () => undefined).destroy());
  return { length: undefined, stream };
}

async function* counted(stream: Readable, offered: (what: Offered) => void): AsyncGenerator<Buffer> {
  for await (const piece of stream) {
    if (!Buffer.isBuffer(piece)) throw new Error('the archive sent something that is no bytes');
    offered({ bytes: piece.length });
    yield piece;
  }
}
