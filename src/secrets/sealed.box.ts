import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';

const NONCE = 12;
const TAG = 16;
const MOST_KEYS = 100;

/**
 * Encrypts short texts under MASTER_KEY by AES-256-GCM. A separate key is derived for each purpose. A key can decrypt only texts that were
 * encrypted for the same purpose.
 */
@Injectable()
export class SealedBox {
  private readonly keys = new Map<string, Buffer>();

  constructor(@Inject(ENV) private readonly env: Pick<Env, 'MASTER_KEY'>) {}

  /** Returns nonce, tag and ciphertext in one buffer. */
  seal(purpose: string, plain: Buffer): Buffer {
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv('aes-256-gcm', this.keyFor(purpose), nonce);
    const body = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]);
  }

  /** Returns the plain text. Throws if the buffer was changed, or was encrypted for another purpose or under another MASTER_KEY. */
  open(purpose: string, sealed: Buffer): Buffer {
    const decipher = createDecipheriv('aes-256-gcm', this.keyFor(purpose), sealed.subarray(0, NONCE));
    decipher.setAuthTag(sealed.subarray(NONCE, NONCE + TAG));
    return Buffer.concat([decipher.update(sealed.subarray(NONCE + TAG)), decipher.final()]);
  }

  /** Returns the key for a purpose. Keys are cached, because deriving a key takes longer than encrypting a row. */
  private keyFor(purpose: string): Buffer {
    const known = this.keys.get(purpose);
    if (known !== undefined) return known;
    const master = Buffer.from(this.env.MASTER_KEY, 'base64');
    const key = Buffer.from(hkdfSync('sha256', master, '', `radgate ${purpose}`, 32));
    if (this.keys.size >= MOST_KEYS) this.keys.clear();
    this.keys.set(purpose, key);
    return key;
  }
}
