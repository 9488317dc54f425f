import type { RenderedFrame } from '../frame.renderer.js';
import { PixelsRefused } from '../pixels.refused.js';
import type { PictureSize } from '../viewport.js';
import { WorkerLost, WorkerPool } from '../worker.pool.js';
import type { PageAnswer, PageTask } from './page.worker.js';

/** Limit of the processor time of a page. An ordinary page takes less than 0.2 s. */
const MILLISECONDS = 2000;
/** Largest number of documents that are remembered because they cannot be rendered. */
const MOST_BROKEN = 1000;

/** Renders pages of documents in one worker thread. */
export class PageWorkers {
  readonly #pool: Pick<WorkerPool<PageTask, PageAnswer>, 'run' | 'close'>;
  /** Documents whose worker was lost. They are not tried again. The oldest name is first. */
  readonly #broken = new Set<string>();

  constructor(
    pool: Pick<WorkerPool<PageTask, PageAnswer>, 'run' | 'close'> = new WorkerPool(
      new URL('./page.worker.js', import.meta.url),
      1,
    ),
  ) {
    this.#pool = pool;
  }

  /**
   * Renders the first page of a PDF document. `name`: a name of its content. The bytes of the document move to the worker. Throws
   * `PixelsRefused` when the page cannot be rendered, or when an earlier try with this name lost its worker.
   */
  async render(name: string, document: Uint8Array<ArrayBuffer>, box: PictureSize): Promise<RenderedFrame> {
    if (this.#broken.has(name)) throw lost();
    try {
      const needs = { milliseconds: MILLISECONDS, moved: [document.buffer] };
      const answer = await this.#pool.run({ document, box }, needs);
      if ('refused' in answer) throw new PixelsRefused(answer.refused);
      return answer.rendered;
    } catch (error) {
      if (!(error instanceof WorkerLost) || error.reason === 'closed') throw error;
      this.#remember(name);
      throw lost();
    }
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  #remember(name: string): void {
    this.#broken.add(name);
    const [oldest] = this.#broken;
    if (this.#broken.size > MOST_BROKEN && oldest !== undefined) this.#broken.delete(oldest);
  }
}

function lost(): PixelsRefused {
  return new PixelsRefused('its first page takes too long or is broken');
}
