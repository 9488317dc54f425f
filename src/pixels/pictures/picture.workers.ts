import { PixelsRefused } from '../pixels.refused.js';
import { WorkerLost, WorkerPool } from '../worker.pool.js';
import type { OpenedPicture } from './opened.picture.js';
import type { PictureAnswer, PictureTask } from './picture.worker.js';

/** Limit of the processor time of a picture. The largest picture takes a few seconds. */
const MILLISECONDS = 20_000;

/** Opens picture files in one worker thread. */
export class PictureWorkers {
  readonly #pool = new WorkerPool<PictureTask, PictureAnswer>(
    new URL('./picture.worker.js', import.meta.url),
    1,
  );

  /** Opens a picture. The bytes of the file move to the worker. Throws `PixelsRefused` when the file cannot be opened. */
  async open(task: PictureTask): Promise<OpenedPicture> {
    try {
      const needs = { milliseconds: MILLISECONDS, moved: [task.file.buffer] };
      const answer = await this.#pool.run(task, needs);
      if ('refused' in answer) throw new PixelsRefused(answer.refused);
      return answer.picture;
    } catch (error) {
      if (!(error instanceof WorkerLost) || error.reason === 'closed') throw error;
      throw new PixelsRefused('it takes too long to open, or it is broken');
    }
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}
