import { Readable } from 'node:stream';
import type { Offered } from '../../audit/readings.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';

/**
 * Adds the sent data to the totals that the audit keeps for a read. `what` is added immediately. The number of bytes is also added
 * immediately if it is known. Otherwise the bytes of each chunk are added when the chunk is sent.
 */
export function metered(bytes: ArchiveBytes, what: Offered, offered: (what: Offered) => void): ArchiveBytes {
  offered({ ...what, bytes: bytes.length ?? 0 });
  if (bytes.length !== undefined) return bytes;
  const stream = Readable.from(counted(bytes.stream, offered), { objectMode: false });
  // If the client disconnects before the first byte, the generator never starts. So it cannot free the connection to the archive.
  stream.once('close', () => bytes.stream.on('error', () => undefined).destroy());
  return { length: undefined, stream };
}

async function* counted(stream: Readable, offered: (what: Offered) => void): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) throw new Error('the archive sent a chunk that is not bytes');
    offered({ bytes: chunk.length });
    yield chunk;
  }
}
