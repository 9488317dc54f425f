import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { UpstreamFailed } from '../../problems/errors.js';
import { OpenedAhead, type OrderedBody } from './opened.ahead.js';
import { centralEntry, dataDescriptor, endOfArchive, localHeader, type WrittenFile } from './zip.records.js';

/** A file to write into an archive. `name`: its path in the archive, with `/` between folders. */
export interface ZipFile extends OrderedBody {
  readonly name: string;
}

/** From this length on, the lengths of a file need 64 bits. */
const LONG = 0xffffffff;

/**
 * Writes a ZIP archive as a stream. The files are stored without compression, because most pixel data cannot be compressed further. Files
 * with an unknown or large length use ZIP64. The first file is opened before the stream is returned, so that its error can still become an
 * error status. If a later file fails, the stream is destroyed and has no end of the archive. `signal`: aborts when the client has left.
 * `modified`: the time of all files.
 */
export async function writeZip(
  files: readonly [ZipFile, ...ZipFile[]],
  signal?: AbortSignal,
  modified = new Date(),
): Promise<Readable> {
  const opened = new OpenedAhead(files, signal);
  await opened.begin();
  const stream = Readable.from(archiveOf(opened, modified), {
    objectMode: false,
    highWaterMark: 64 * 1024,
  });
  // If the client disconnects before the first byte, the generator never starts. So it cannot free the connection to the archive.
  stream.once('close', () => opened.close());
  return stream;
}

async function* archiveOf(files: OpenedAhead<ZipFile>, modified: Date): AsyncGenerator<Buffer> {
  const written: Buffer[] = [];
  let offset = 0;
  for await (const [{ name }, bytes] of files) {
    const done: WrittenFile = yield* writtenFile(name, bytes, offset, modified);
    offset += lengthOf(done, modified);
    written.push(centralEntry(done, modified));
  }
  yield* written;
  const length = written.reduce((sum, entry) => sum + entry.length, 0);
  yield endOfArchive(written.length, offset, length);
}

/** Length of a file in the archive with its header and descriptor. */
function lengthOf(file: WrittenFile, modified: Date): number {
  return localHeader(file.name, modified, file.is64).length + file.size + dataDescriptor(file).length;
}

/** Writes one file. Throws `UpstreamFailed` if its length differs from the announced length. */
async function* writtenFile(
  name: string,
  { length, stream }: ArchiveBytes,
  offset: number,
  modified: Date,
): AsyncGenerator<Buffer, WrittenFile> {
  const is64 = length === undefined || length >= LONG;
  yield localHeader(name, modified, is64);
  let crc = 0;
  let size = 0;
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) throw new Error('the archive sent a chunk that is not bytes');
    crc = crc32(chunk, crc);
    size += chunk.length;
    yield chunk;
  }
  if (length !== undefined && size !== length) throw new UpstreamFailed('transfer of a file');
  yield dataDescriptor({ crc, size, is64 });
  return { name, crc, size, offset, is64 };
}
