import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Inject, Injectable } from '@nestjs/common';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { NoRoom } from '../../problems/errors.js';
import { SealedStreams } from '../../secrets/sealed.streams.js';
import { noteHandled } from '../../problems/handled.errors.js';

/** The size and hash of a stored file. */
export interface Staged {
  readonly bytes: number;
  readonly sha256: Buffer;
}

const SUFFIX = '.sealed';
/** The error codes for a full disk, an exhausted quota, and a file that is too large for the file system. */
const DISK_FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The encrypted uploaded files in `DATA_DIR/imports`, one file for each import. */
@Injectable()
export class StagedFiles {
  private readonly folder: string;

  constructor(
    @Inject(ENV) env: Pick<Env, 'DATA_DIR'>,
    private readonly streams: SealedStreams,
  ) {
    this.folder = resolve(env.DATA_DIR, 'imports');
  }

  /** Writes a stream to an encrypted file. Returns after fsync of the file and the folder. Throws NoRoom when the disk is full. */
  async receive(id: string, file: Readable): Promise<Staged> {
    try {
      return await this.write(id, file);
    } catch (error) {
      if (error instanceof Error && 'code' in error && DISK_FULL.has(String(error.code))) throw new NoRoom();
      throw error;
    }
  }

  private async write(id: string, file: Readable): Promise<Staged> {
    const created = await mkdir(this.folder, { recursive: true, mode: 0o700 });
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
    const target = createWriteStream(this.path(id), { mode: 0o600, flags: 'wx', flush: true });
    await pipeline(file, count, this.streams.sealing(id), target);
    await syncFolder(this.folder);
    return { bytes, sha256: hash.digest() };
  }

  /** The decrypted bytes of a file. The stream fails if the encrypted file was changed. */
  open(id: string): Readable {
    const sealed = createReadStream(this.path(id));
    const plain = this.streams.opening(id);
    // pipeline closes the file when the reader stops early.
    void pipeline(sealed, plain).catch(() => undefined);
    return plain;
  }

  /** Whether the file is on the disk of this gateway. */
  has(id: string): Promise<boolean> {
    return access(this.path(id)).then(
      () => true,
      () => false,
    );
  }

  /** The ids of files that were last written before `moment` (milliseconds since 1970). */
  async untouchedSince(moment: number): Promise<string[]> {
    const names = await readdir(this.folder).catch((error: unknown) => {
      // The folder does not exist before the first upload.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
        noteHandled('staged files', error);
      return [];
    });
    const ids: string[] = [];
    for (const name of names) {
      const { mtimeMs } = await stat(join(this.folder, name)).catch(() => ({
        mtimeMs: Number.POSITIVE_INFINITY,
      }));
      if (name.endsWith(SUFFIX) && mtimeMs < moment) ids.push(name.slice(0, -SUFFIX.length));
    }
    return ids;
  }

  async remove(id: string): Promise<void> {
    await rm(this.path(id), { force: true });
  }

  private path(id: string): string {
    return join(this.folder, `${id}${SUFFIX}`);
  }
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
