import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Inject, Injectable } from '@nestjs/common';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { SealedStreams } from '../secrets/sealed.streams.js';

/** What is known of a file once it is safe. */
export interface Staged {
  readonly bytes: number;
  readonly sha256: Buffer;
}

/** Uploaded files in `DATA_DIR/imports`, one per import, never in the clear. */
@Injectable()
export class StagedFiles {
  private readonly folder: string;

  constructor(
    @Inject(ENV) env: Pick<Env, 'DATA_DIR'>,
    private readonly streams: SealedStreams,
  ) {
    this.folder = resolve(env.DATA_DIR, 'imports');
  }

  /** Writes a stream sealed, counts and hashes its plain bytes; returns when file and folder are on disk. */
  async receive(id: string, file: Readable): Promise<Staged> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
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
    const folder = await open(this.folder);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
    return { bytes, sha256: hash.digest() };
  }

  /** The plain bytes. The stream fails when the file is not what was written. */
  open(id: string): Readable {
    const sealed = createReadStream(this.path(id));
    const plain = this.streams.opening(id);
    // A reader that stops early must not leave the file open.
    void pipeline(sealed, plain).catch(() => undefined);
    return plain;
  }

  async remove(id: string): Promise<void> {
    await rm(this.path(id), { force: true });
  }

  private path(id: string): string {
    return join(this.folder, `${id}.sealed`);
  }
}
