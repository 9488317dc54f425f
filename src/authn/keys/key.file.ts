import { readFile, stat } from 'node:fs/promises';
import { Inject, Injectable } from '@nestjs/common';
import { ENV } from '../../config/config.module.js';
import { type Env, EnvironmentFaulty } from '../../config/env.js';
import { noteHandled } from '../../problems/handled.errors.js';
import { type KeyPair, pairOfPem } from './key.pair.js';

/** The private key of JWT_PRIVATE_KEY_FILE. It is read again when the file changes. */
@Injectable()
export class KeyFile {
  private readonly path: string | undefined;
  private known: { readonly stamp: string; readonly pair: KeyPair } | undefined;

  constructor(@Inject(ENV) env: Pick<Env, 'JWT_PRIVATE_KEY_FILE'>) {
    this.path = env.JWT_PRIVATE_KEY_FILE;
  }

  /**
   * The key pair in the file. The value is undefined when no file is configured. The first call throws when the file cannot be read or has
   * no RSA key of 2048 bits or more. Later calls do not throw for such a file. They return the previous key pair, because another process
   * can be writing the file at that time.
   */
  async read(): Promise<KeyPair | undefined> {
    if (this.path === undefined) return undefined;
    try {
      const { mtimeMs, size, ino } = await stat(this.path);
      const stamp = `${mtimeMs} ${size} ${ino}`;
      if (this.known?.stamp !== stamp) this.known = { stamp, pair: pairOfPem(await readFile(this.path)) };
    } catch (error) {
      if (this.known !== undefined) noteHandled('signing key file', error);
      else
        throw new EnvironmentFaulty([
          'JWT_PRIVATE_KEY_FILE: cannot be read or holds no RSA key of 2048 bits or more',
        ]);
    }
    return this.known?.pair;
  }
}
