import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';

const SEGMENT = 64 * 1024;
const TAG = 16;

/**
 * Encrypts files under MASTER_KEY as a stream of 64 KiB segments (AES-256-GCM). The nonce of a segment contains its number and a flag for
 * the last segment. Decryption therefore fails for a file that was changed, truncated, extended or reordered. The key is derived from the
 * purpose. Each file must have its own purpose and must be written only once, because the nonces would otherwise repeat.
 */
@Injectable()
export class SealedStreams {
  constructor(@Inject(ENV) private readonly env: Pick<Env, 'MASTER_KEY'>) {}

  /** Returns a stream that encrypts the bytes of a file. */
  sealing(purpose: string): Transform {
    const key = this.keyFor(purpose);
    return new Segments(SEGMENT, (segment, number, last) => {
      const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number, last));
      return Buffer.concat([cipher.update(segment), cipher.final(), cipher.getAuthTag()]);
    });
  }

  /** Returns a stream that decrypts the bytes of a file. The stream fails if the file was changed. */
  opening(purpose: string): Transform {
    const key = this.keyFor(purpose);
    return new Segments(SEGMENT + TAG, (segment, number, last) => {
      if (segment.length < TAG) throw new Error('A sealed file is truncated.');
      const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(number, last));
      decipher.setAuthTag(segment.subarray(segment.length - TAG));
      const plain = decipher.update(segment.subarray(0, segment.length - TAG));
      return Buffer.concat([plain, decipher.final()]);
    });
  }

  private keyFor(purpose: string): Buffer {
    const master = Buffer.from(this.env.MASTER_KEY, 'base64');
    return Buffer.from(hkdfSync('sha256', master, '', `radgate file ${purpose}`, 32));
  }
}

function nonceOf(number: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(number, 0, 6);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

/** Divides a stream into segments of the same size and transforms each segment. Only the last segment may be shorter or empty. */
class Segments extends Transform {
  private held: Buffer[] = [];
  private length = 0;
  private number = 0;

  constructor(
    private readonly size: number,
    private readonly transform: (segment: Buffer, number: number, last: boolean) => Buffer,
  ) {
    super();
  }

  override _transform(bytes: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.held.push(bytes);
    this.length += bytes.length;
    if (this.length <= this.size) return done();
    this.finish(done, () => {
      let all = Buffer.concat(this.held);
      // A full segment is kept until more bytes or the end of the stream arrive, because it may be the last segment.
      for (; all.length > this.size; all = all.subarray(this.size))
        this.emitSegment(all.subarray(0, this.size), false);
      this.held = [all];
      this.length = all.length;
    });
  }

  override _flush(done: TransformCallback): void {
    this.finish(done, () => this.emitSegment(Buffer.concat(this.held), true));
  }

  private emitSegment(segment: Buffer, last: boolean): void {
    this.push(this.transform(segment, this.number, last));
    this.number += 1;
  }

  private finish(done: TransformCallback, work: () => void): void {
    try {
      work();
      done();
    } catch (error) {
      done(error instanceof Error ? error : new Error('A segment could not be encrypted or decrypted.'));
    }
  }
}
