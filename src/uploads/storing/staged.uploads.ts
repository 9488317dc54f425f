import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { isDiskFull } from '../../problems/disk.full.js';
import { NoRoom } from '../../problems/errors.js';
import { type SealedContent, SealedFiles } from '../../secrets/sealed.files.js';

/** The encrypted files of uploads in `DATA_DIR/uploads`. */
@Injectable()
export class StagedUploads {
  private readonly folder: string;

  constructor(
    @Inject(ENV) env: Pick<Env, 'DATA_DIR'>,
    private readonly files: SealedFiles,
  ) {
    this.folder = resolve(env.DATA_DIR, 'uploads');
  }

  /** Writes a stream to an encrypted file. A file that was not written completely is removed. Throws NoRoom when the disk is full. */
  async write(name: string, content: Readable): Promise<SealedContent> {
    try {
      return await this.files.write(this.folder, name, content);
    } catch (error) {
      await this.files.remove(this.folder, name);
      if (isDiskFull(error)) throw new NoRoom();
      throw error;
    }
  }

  /** The decrypted bytes of a file. The stream fails if the encrypted file was changed. */
  open(name: string): Readable {
    return this.files.open(this.folder, name);
  }

  has(name: string): Promise<boolean> {
    return this.files.has(this.folder, name);
  }

  remove(name: string): Promise<void> {
    return this.files.remove(this.folder, name);
  }

  /** The names of files that were last written before `moment` (milliseconds since 1970). */
  untouchedSince(moment: number): Promise<string[]> {
    return this.files.untouchedSince(this.folder, moment);
  }
}
