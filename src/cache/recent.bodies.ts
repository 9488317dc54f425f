/** The largest total size of the bodies in memory. */
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * The bodies of the cache that were sent last, in memory, so that a repeated body is not read from the disk. The key is the path of a file,
 * which contains the checksum of its content. So a body can never be outdated.
 */
export class RecentBodies {
  readonly #bodies = new Map<string, Buffer>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** The total size of the bodies in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The body of a file. It becomes the most recently used one. */
  use(path: string): Buffer | undefined {
    const body = this.#bodies.get(path);
    if (body === undefined) return undefined;
    this.#bodies.delete(path);
    this.#bodies.set(path, body);
    return body;
  }

  /** Adds a body. Removes the least recently used bodies that exceed the limit. */
  add(path: string, body: Buffer): void {
    this.#bytes += body.length - (this.#bodies.get(path)?.length ?? 0);
    this.#bodies.delete(path);
    this.#bodies.set(path, body);
    for (const [oldest, { length }] of this.#bodies) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#bodies.delete(oldest);
      this.#bytes -= length;
    }
  }
}
