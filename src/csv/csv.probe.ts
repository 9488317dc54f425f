import { isAscii, isUtf8 } from 'node:buffer';
import { LIMITS } from './csv.limits.js';
import { FileRefused } from './csv.refusal.js';

/** Facts about a file that need one pass over all its bytes. */
export interface ProbeFacts {
  readonly bytes: number;
  /** The first bytes, at most 256 KiB. */
  readonly head: Buffer;
  readonly ascii: boolean;
  /** Whether the whole file is valid UTF-8. */
  readonly utf8: boolean;
}

/** Collects facts about a file. Push every chunk in order, then call `finish`. */
export class CsvProbe {
  private bytes = 0;
  private readonly heads: Buffer[] = [];
  private ascii = true;
  private utf8 = true;
  private rest: Buffer = Buffer.alloc(0);

  /** Adds the next bytes. Throws `FileRefused` above 1 GB. */
  push(chunk: Buffer): void {
    const room = LIMITS.head - this.bytes;
    if (room > 0) this.heads.push(Buffer.from(chunk.subarray(0, room)));
    this.bytes += chunk.length;
    if (this.bytes > LIMITS.bytes) throw new FileRefused('file-too-large');
    if (this.ascii) this.ascii = isAscii(chunk);
    if (this.utf8 && !this.ascii) this.checkUtf8(chunk);
  }

  /** Returns the facts. Call it after the last chunk. Throws `FileRefused` for an empty file. */
  finish(): ProbeFacts {
    const head = Buffer.concat(this.heads);
    if (this.bytes === 0) throw new FileRefused('file-empty');
    return { bytes: this.bytes, head, ascii: this.ascii, utf8: this.utf8 && this.rest.length === 0 };
  }

  private checkUtf8(chunk: Buffer): void {
    const whole = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    const cut = startOfLastCharacter(whole);
    this.utf8 = isUtf8(whole.subarray(0, cut));
    this.rest = Buffer.from(whole.subarray(cut));
  }
}

/**
 * The position of an incomplete UTF-8 character at the end of the bytes. Without an incomplete character, the result is the number of
 * bytes.
 */
function startOfLastCharacter(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return bytes.length;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return back < length ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
