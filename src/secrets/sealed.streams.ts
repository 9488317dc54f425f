import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';

const SEGMENT = 64 * 1024;
const TAG = 16;

/**
 * Files encrypted under MASTER_KEY as a stream: segments of 64 KiB, each AES-256-GCM with its number and whether it is the last as
 * nonce, so that a changed, cut, lengthened or reordered file fails. The key is derived from the purpose, which must be
 * unique to the file and used for writing once.
 */
@Injectable()
export class SealedStreams {
  constructor(@Inject(ENV) private readonly env: Pick<Env, 'MASTER_KEY'>) {}

  /** Plain bytes in, sealed bytes out. */
  sealing(purpose: string): Transform {
    const key = this.keyFor(purpose);
    return new Segments(SEGMENT, (segment, number, last) => {
      const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number, last));
      return Buffer.concat([cipher.update(segment), cipher.final(), cipher.getAuthTag()]);
    });
  }

  /** Sealed bytes in, plain bytes out; an error of the stream when the file is not what was written. */
  opening(purpose: string): Transform {
    const key = this.keyFor(purpose);
    return new Segments(SEGMENT + TAG, (segment, number, last) => {
      if (segment.length < TAG) throw new Error('A sealed file was cut.');
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

/** Cuts a stream into segments of one size; the last one, perhaps shorter or empty, is known as such. */
class Segments extends Transform {
  private held: Buffer[] = [];
  private length = 0;
  private number = 0;

  constructor(
    private readonly size: number,
    private readonly turn: (segment: Buffer, number: number, last: boolean) => Buffer,
  ) {
    super();
  }

  override _transform(bytes: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.held.push(bytes);
    this.length += bytes.length;
    if (this.length <= this.size) return done();
    this.answer(done, () => {
      let all = Buffer.concat(this.held);
      // A full segment stays until it is known whether more follows.
      for (; all.length > this.size; all = all.subarray(this.size))
        this.emitSegment(all.subarray(0, this.size), false);
      this.held = [all];
      this.length = all.length;
    });
  }

  override _flush(done: TransformCallback): void {
    this.answer(done, () => this.emitSegment(Buffer.concat(this.held), true));
  }

  private emitSegment(segment: Buffer, last: boolean): void {
    this.push(this.turn(segment, this.number, last));
    this.number += 1;
  }

  private answer(done: TransformCallback, work: () => void): void {
    try {
      work();
      done();
    } catch (error) {
      done(error instanceof Error ? error : new Error('A segment could not be turned.'));
    }
  }
}
