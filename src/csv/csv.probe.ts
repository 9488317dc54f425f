import { LIMITS } from './csv.limits.js';
import { FileRefused } from './csv.refusal.js';
import { HighByteCounter, type HighByteFacts } from './high.bytes.js';

/** Facts about a file that need one pass over all its bytes. */
export interface ProbeFacts {
  readonly bytes: number;
  /** The first bytes, at most 256 KiB. */
  readonly head: Buffer;
  readonly ascii: boolean;
  /** Whether the whole file is valid UTF-8. */
  readonly utf8: boolean;
  readonly high: HighByteFacts;
  /** The requested sheet of a workbook. */
  readonly sheet?: string | undefined;
  /** The number of visible sheets of a workbook. */
  readonly sheets?: number;
}

/** Collects facts about a file. Push every chunk in order, then call `finish`. */
export class CsvProbe {
  private bytes = 0;
  private readonly heads: Buffer[] = [];
  private readonly high = new HighByteCounter();

  /** Adds the next bytes. Throws `FileRefused` above 1 GB. */
  push(chunk: Buffer): void {
    const room = LIMITS.head - this.bytes;
    if (room > 0) this.heads.push(Buffer.from(chunk.subarray(0, room)));
    this.bytes += chunk.length;
    if (this.bytes > LIMITS.bytes) throw new FileRefused('file-too-large');
    this.high.push(chunk);
  }

  /** Returns the facts. Call it after the last chunk. Throws `FileRefused` for an empty file. */
  finish(): ProbeFacts {
    const head = Buffer.concat(this.heads);
    if (this.bytes === 0) throw new FileRefused('file-empty');
    const high = this.high.finish();
    const utf8 = high.brokenLines === 0;
    return { bytes: this.bytes, head, ascii: utf8 && high.utf8Lines === 0, utf8, high };
  }
}
