import {
  BlobReader,
  BlobWriter,
  configure,
  type FileEntry,
  ZipReader,
} from '@zip.js/zip.js/lib/zip-core-native.js';
import { BEGINNING_BYTES } from './part10.ts';
import type { ZipRequest, ZipResponse } from './zip.messages.ts';

// This script is the worker. The library must not start workers of its own from blob: URLs, which the Content-Security-Policy forbids.
configure({ useWebWorkers: false });

const archives = new Map<number, readonly FileEntry[]>();

/** Stops a decompression when enough bytes were written. */
class Enough extends Error {}

async function answer(request: ZipRequest): Promise<ZipResponse['value']> {
  if (request.ask === 'list') {
    const entries = await new ZipReader(new BlobReader(request.file)).getEntries();
    const files = entries.filter((entry): entry is FileEntry => !entry.directory);
    archives.set(request.archive, files);
    return files.map(({ filename, uncompressedSize, encrypted }) => ({
      name: filename,
      size: uncompressedSize,
      isEncrypted: encrypted,
    }));
  }
  const entry = archives.get(request.archive)?.[request.at];
  if (entry === undefined) return undefined;
  return request.ask === 'read' ? entry.getData(new BlobWriter('application/dicom')) : beginningOf(entry);
}

async function beginningOf(entry: FileEntry): Promise<Uint8Array> {
  const kept: Uint8Array[] = [];
  let size = 0;
  const writable = new WritableStream<Uint8Array>({
    write(chunk) {
      kept.push(chunk.slice(0, BEGINNING_BYTES - size));
      size += chunk.length;
      if (size >= BEGINNING_BYTES) throw new Enough();
    },
  });
  await entry.getData(writable).catch((error: unknown) => {
    if (size < BEGINNING_BYTES) throw error;
  });
  return new Uint8Array(await new Blob(kept.map((piece) => Uint8Array.from(piece))).arrayBuffer());
}

addEventListener('message', ({ data }: MessageEvent<ZipRequest>) => {
  const { id } = data;
  answer(data)
    .catch(() => undefined)
    .then((value) => postMessage(value === undefined ? { id } : { id, value }))
    .catch(() => undefined);
});
