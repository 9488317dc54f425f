import { createInflateRaw, type InflateRaw } from 'node:zlib';
import { DicomUnreadable } from '../dicom.unreadable.js';

/** Inflates a data set (PS3.5 §A.5) piece by piece for a reader that keeps nothing, so that nothing of it piles up. */
export class Inflater {
  readonly #inflate: InflateRaw = createInflateRaw();
  readonly #failed: Promise<never>;
  readonly #ended: Promise<void>;
  #left: number;
  #inflated = 0;

  /** `read` gets the inflated pieces; what it throws, or more than `maxBytes`, is thrown to whoever feeds. */
  constructor(read: (piece: Buffer) => void, maxBytes: number) {
    this.#left = maxBytes;
    this.#failed = new Promise((_, reject) => {
      this.#inflate.on('error', (error) => {
        const fault =
          error instanceof DicomUnreadable
            ? error
            : new DicomUnreadable('deflate', 'the data set is not deflated');
        reject(fault);
      });
    });
    // Whoever feeds next hears of it; a failure after that is nobody's.
    this.#failed.catch(() => undefined);
    this.#ended = new Promise((resolve) => {
      this.#inflate.once('end', resolve);
    });
    this.#inflate.on('data', (piece: Buffer) => {
      this.#left -= piece.length;
      this.#inflated += piece.length;
      try {
        if (this.#left < 0)
          throw new DicomUnreadable('too-large', 'the data set inflates to more than allowed');
        read(piece);
      } catch (error) {
        this.#inflate.destroy(error instanceof Error ? error : new Error('a reader failed'));
      }
    });
  }

  /** Bytes that came out so far. */
  get inflated(): number {
    return this.#inflated;
  }

  /** Resolves when all that comes out of these bytes was read. */
  async feed(bytes: Buffer): Promise<void> {
    const written = new Promise<void>((resolve) => {
      this.#inflate.write(bytes, () => {
        resolve();
      });
    });
    await Promise.race([written, this.#failed]);
  }

  /** Resolves when the last piece was read; DicomUnreadable when the bytes end too early. */
  async end(): Promise<void> {
    this.#inflate.end();
    await Promise.race([this.#ended, this.#failed]);
  }

  /** Frees what inflating holds. */
  close(): void {
    this.#inflate.destroy();
  }
}
