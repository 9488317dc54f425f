import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import { SealedStreams } from './sealed.streams.js';

/** The size and hash of a file before its encryption. */
export interface SealedContent {
  readonly bytes: number;
  readonly sha256: Buffer;
}

const SUFFIX = '.sealed';

/** Encrypted files in folders. The name of a file is also the purpose of its key, so a name must never be used twice. */
@Injectable()
export class SealedFiles {
  constructor(private readonly streams: SealedStreams) {}

  /** Writes a stream to an encrypted file. Returns after fsync of the file and the folder. */
  async write(folder: string, name: string, content: Readable): Promise<SealedContent> {
    const created = await mkdir(folder, { recursive: true, mode: 0o700 });
    if (created !== undefined) await syncFolder(dirname(created));
    const hash = createHash('sha256');
    let bytes = 0;
    const count = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        bytes += chunk.length;
        done(null, chunk);
      },
    });
    const target = createWriteStream(pathOf(folder, name), { mode: 0o600, flags: 'wx', flush: true });
    await pipeline(content, count, this.streams.sealing(name), target);
    await syncFolder(folder);
    return { bytes, sha256: hash.digest() };
  }

  /** The decrypted bytes of a file. The stream fails if the encrypted file was changed. */
  open(folder: string, name: string): Readable {
    const sealed = createReadStream(pathOf(folder, name));
    const plain = this.streams.opening(name);
    // pipeline closes the file when the reader stops early.
    void pipeline(sealed, plain).catch(() => undefined);
    return plain;
  }

  async remove(folder: string, name: string): Promise<void> {
    await rm(pathOf(folder, name), { force: true });
  }

  /** Whether the file is on the disk of this gateway. */
  has(folder: string, name: string): Promise<boolean> {
    return stat(pathOf(folder, name)).then(
      () => true,
      () => false,
    );
  }

  /** The names of files that were last written before `moment` (milliseconds since 1970). Without the folder, there are none. */
  async untouchedSince(folder: string, moment: number): Promise<string[]> {
    const names = await readdir(folder).catch((error: unknown) => {
      // The folder does not exist before the first file.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw error;
    });
    const old: string[] = [];
    for (const name of names) {
      const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
      if (name.endsWith(SUFFIX) && mtimeMs < moment) old.push(name.slice(0, -SUFFIX.length));
    }
    return old;
  }
}

function pathOf(folder: string, name: string): string {
  return join(folder, `${name}${SUFFIX}`);
}

/** Flushes a folder to disk, so that a new file in it survives a crash. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
