import { createInflateRaw, type InflateRaw } from 'node:zlib';
import { DicomUnreadable } from '../dicom.unreadable.js';

/**
 * Inflates a deflated data set (PS3.5 §A.5) piece by piece. Each inflated piece is passed on immediately, so that little memory is used.
 */
export class Inflater {
  readonly #inflate: InflateRaw = createInflateRaw();
  readonly #failed: Promise<never>;
  readonly #ended: Promise<void>;
  #left: number;
  #inflated = 0;

  /**
   * `read` receives the inflated pieces. `feed` and `end` throw the errors of `read`, and `DicomUnreadable` when the inflated data exceeds
   * `maxBytes`.
   */
  constructor(read: (piece: Buffer) => void, maxBytes: number) {
    this.#left = maxBytes;
    this.#failed = new Promise((_, reject) => {
      this.#inflate.on('error', (error) => {
        reject(
          error instanceof DicomUnreadable
            ? error
            : new DicomUnreadable('deflate', 'the data set is not deflated'),
        );
      });
    });
    // The next call of `feed` or `end` throws the error. This handler prevents an unhandled rejection when there is no next call.
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

  /** Number of inflated bytes so far. */
  get inflated(): number {
    return this.#inflated;
  }

  /** Inflates a chunk. Resolves when `read` has received the bytes inflated from it. */
  async feed(bytes: Buffer): Promise<void> {
    const written = new Promise<void>((resolve) => {
      this.#inflate.write(bytes, () => {
        resolve();
      });
    });
    await Promise.race([written, this.#failed]);
  }

  /** Ends the data. Resolves when `read` has received the last piece. Throws `DicomUnreadable` when the bytes end too early. */
  async end(): Promise<void> {
    this.#inflate.end();
    await Promise.race([this.#ended, this.#failed]);
  }

  /** Frees the inflater. */
  close(): void {
    this.#inflate.destroy();
  }
}
