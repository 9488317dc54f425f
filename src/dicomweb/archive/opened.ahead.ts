import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';

/** A body that is read after the bodies before it. */
export interface OrderedBody {
  /**
   * The size of the body in bytes if it may be opened before it is needed, otherwise `undefined`. Only a small body may be opened early: it is
   * held in memory, while a large one would occupy a connection.
   */
  readonly ahead: number | undefined;
  readonly open: () => Promise<ArchiveBytes>;
}

/** Largest number of bodies that are opened early, and their largest total size in bytes. A single body can be larger. */
const AHEAD_BODIES = 8;
const AHEAD_BYTES = 1024 * 1024;

/**
 * Opens bodies in order. While one is read, the small ones after it are already requested, so that the round trips to the archive overlap. The
 * memory stays limited, also for a slow client.
 */
export class OpenedAhead<Body extends OrderedBody> {
  private readonly opened: { readonly size: number; readonly bytes: Promise<ArchiveBytes> }[] = [];
  private held = 0;
  private next = 0;
  private current: ArchiveBytes | undefined;

  /** When `signal` aborts, nothing more is opened early. */
  constructor(
    private readonly bodies: readonly Body[],
    private readonly signal?: AbortSignal,
  ) {}

  /**
   * Yields each body with its bytes. An error of a body that was opened early is thrown when it is the turn of that body. When the iteration
   * ends, everything that was opened is closed.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<readonly [Body, ArchiveBytes]> {
    try {
      for (const body of this.bodies) {
        this.current = await this.take(body);
        this.fill();
        yield [body, this.current];
      }
    } finally {
      this.close();
    }
  }

  /** Opens the first body, before the iteration begins. Throws its error. */
  async begin(): Promise<void> {
    const [first] = this.bodies;
    if (first === undefined || this.next > 0) return;
    const bytes = await first.open();
    this.add(first.ahead ?? 0, Promise.resolve(bytes));
  }

  /** Closes all files. A file that is still being opened is closed when it is open. */
  close(): void {
    destroy(this.current);
    for (const { bytes } of this.opened.splice(0)) bytes.then(destroy, () => undefined);
  }

  private take(body: Body): Promise<ArchiveBytes> {
    const early = this.opened.shift();
    if (early !== undefined) {
      this.held -= early.size;
      return early.bytes;
    }
    this.next += 1;
    return body.open();
  }

  private fill(): void {
    while (this.opened.length < AHEAD_BODIES && this.signal?.aborted !== true) {
      const body = this.bodies[this.next];
      if (body?.ahead === undefined) return;
      if (this.opened.length > 0 && this.held + body.ahead > AHEAD_BYTES) return;
      const bytes = body.open();
      // The error is thrown later, when it is the turn of this body.
      bytes.catch(() => undefined);
      this.add(body.ahead, bytes);
    }
  }

  private add(size: number, bytes: Promise<ArchiveBytes>): void {
    this.opened.push({ size, bytes });
    this.held += size;
    this.next += 1;
  }
}

function destroy(bytes: ArchiveBytes | undefined): void {
  bytes?.stream.on('error', () => undefined).destroy();
}
