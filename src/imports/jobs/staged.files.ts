import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { isDiskFull } from '../../problems/disk.full.js';
import { NoRoom } from '../../problems/errors.js';
import { noteHandled } from '../../problems/handled.errors.js';
import { type SealedContent, SealedFiles } from '../../secrets/sealed.files.js';

/** The encrypted uploaded files in `DATA_DIR/imports`, one file for each import. */
@Injectable()
export class StagedFiles {
  private readonly folder: string;

  constructor(
    @Inject(ENV) env: Pick<Env, 'DATA_DIR'>,
    private readonly files: SealedFiles,
  ) {
    this.folder = resolve(env.DATA_DIR, 'imports');
  }

  /** Writes a stream to an encrypted file. Returns after fsync of the file and the folder. Throws NoRoom when the disk is full. */
  async receive(id: string, file: Readable): Promise<SealedContent> {
    try {
      return await this.files.write(this.folder, id, file);
    } catch (error) {
      if (isDiskFull(error)) throw new NoRoom();
      throw error;
    }
  }

  /** The decrypted bytes of a file. The stream fails if the encrypted file was changed. */
  open(id: string): Readable {
    return this.files.open(this.folder, id);
  }

  /** Whether the file is on the disk of this gateway. */
  has(id: string): Promise<boolean> {
    return this.files.has(this.folder, id);
  }

  /** The ids of files that were last written before `moment` (milliseconds since 1970). */
  async untouchedSince(moment: number): Promise<string[]> {
    return this.files.untouchedSince(this.folder, moment).catch((error: unknown) => {
      noteHandled('staged files', error);
      return [];
    });
  }

  async remove(id: string): Promise<void> {
    await this.files.remove(this.folder, id);
  }
}
