import { availableParallelism } from 'node:os';
import type { RenderedFrame, RenderTask } from './frame.renderer.js';
import { samplesOf } from './pixel.format.js';
import { PixelsRefused } from './pixels.refused.js';
import type { RenderAnswer } from './pixels.worker.js';
import { WorkerLost, WorkerPool } from './worker.pool.js';

/** Number of workers of a gateway. */
export const PIXEL_WORKERS = Math.max(1, Math.min(4, availableParallelism()));

/** Time limit of a frame: a fixed part, and a part for each sample. The limit is never above {@link LONGEST_MS}. */
const FIXED_MS = 2000;
const MS_PER_SAMPLE = 0.0004;
const LONGEST_MS = 30_000;
/** Largest number of frames that are remembered because a worker was lost. */
const MOST_BROKEN = 10_000;

/** Renders frames in worker threads, so that a large or hostile frame does not delay other requests. */
export class FrameWorkers {
  readonly #pool = new WorkerPool<RenderTask, RenderAnswer>(
    new URL('./pixels.worker.js', import.meta.url),
    PIXEL_WORKERS,
  );
  /** Frames for which a worker was lost. They are not tried again. The oldest key is first. */
  readonly #broken = new Set<string>();

  /**
   * Renders a frame. `name`: a name of the content of the frame. The bytes of the task move to the worker. Throws `PixelsRefused` when the
   * frame cannot be rendered, or when an earlier try with this name lost its worker.
   */
  async render(name: string, task: RenderTask): Promise<RenderedFrame> {
    if (this.#broken.has(name)) throw lost();
    const milliseconds = Math.min(FIXED_MS + MS_PER_SAMPLE * samplesOf(task.format), LONGEST_MS);
    try {
      const answer = await this.#pool.run(task, { milliseconds, moved: [task.bytes.buffer] });
      if ('refused' in answer) throw new PixelsRefused(answer.refused);
      if (answer.samples.length !== answer.width * answer.height * answer.channels) throw lost();
      return answer;
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
  return new PixelsRefused('its pixels are broken');
}
