import { availableParallelism } from 'node:os';
import type { Compression } from '../dicom/transfer.syntaxes.js';
import type { EncodedFrame } from './encoders/frame.encoder.js';
import type { DecodedFrame } from './frame.decoder.js';
import type { RenderedFrame, StoredFrame } from './frame.renderer.js';
import { frameBits, samplesOf } from './pixel.format.js';
import type { RawPicture } from './picture.encoder.js';
import { PixelsRefused } from './pixels.refused.js';
import type { FrameAnswer, WorkerTask } from './pixels.worker.js';
import type { Presentation } from './presentation.js';
import type { Arrangement } from './states/arranged.picture.js';
import { WorkerLost, WorkerPool } from './worker.pool.js';

/** Number of workers of a gateway. */
export const PIXEL_WORKERS = Math.max(1, Math.min(4, availableParallelism()));

/** Limit of the processor time of a frame: a fixed part, and a part for each sample. The limit is never above {@link LONGEST_MS}. */
const FIXED_MS = 2000;
const MS_PER_SAMPLE = 0.0004;
const LONGEST_MS = 30_000;
/** Largest number of frames that are remembered because a worker was lost. */
const MOST_BROKEN = 10_000;

type FramePool = Pick<WorkerPool<WorkerTask, FrameAnswer>, 'run' | 'close'>;

/** Decodes, renders and compresses frames in worker threads, so that a large or hostile frame does not delay other requests. */
export class FrameWorkers {
  readonly #pool: FramePool;
  /** Frames for which a worker was lost. They are not tried again. The oldest key is first. */
  readonly #broken = new Set<string>();
  /** Frames that took too long once. A busy machine can be the reason, so they are tried once more. The oldest key is first. */
  readonly #slow = new Set<string>();

  constructor(
    pool: FramePool = new WorkerPool(new URL('./pixels.worker.js', import.meta.url), PIXEL_WORKERS),
  ) {
    this.#pool = pool;
  }

  /**
   * Renders a frame. `name`: a name of the content of the frame. The bytes of the frame move to the worker. Throws `PixelsRefused` when the
   * frame cannot be rendered, or when an earlier try with this name lost its worker.
   */
  async render(name: string, frame: StoredFrame, presentation: Presentation): Promise<RenderedFrame> {
    const answer = await this.#run(name, { frame, presentation });
    if (!('rendered' in answer)) throw lost();
    const { width, height, channels, samples } = answer.rendered;
    if (samples.length !== width * height * channels) throw lost();
    return answer.rendered;
  }

  /** Makes the picture of a presentation state from a scaled part of an image. Throws the same errors as {@link render}. */
  async arrange(name: string, part: RawPicture, arrangement: Arrangement): Promise<RenderedFrame> {
    // The copy has a buffer of its own, which can move to the worker.
    const moved = { ...part, samples: Uint8Array.from(part.samples) };
    const answer = await this.#run(name, { part: moved, arrangement });
    if (!('rendered' in answer)) throw lost();
    return answer.rendered;
  }

  /** Decodes a frame to little endian. Throws the same errors as {@link render}. */
  async decode(name: string, frame: StoredFrame): Promise<DecodedFrame> {
    const answer = await this.#run(name, { frame });
    if (!('decoded' in answer)) throw lost();
    const { format, bytes } = answer.decoded;
    if (bytes.length !== frameBits(format) / 8) throw lost();
    return answer.decoded;
  }

  /** Compresses a frame without loss. Throws the same errors as {@link render}. */
  async encode(name: string, frame: StoredFrame, compression: Compression): Promise<EncodedFrame> {
    // A frame that cannot be compressed can still be rendered.
    const answer = await this.#run(`${name} ${compression}`, { frame, compression });
    if (!('encoded' in answer) || answer.encoded.bytes.length === 0) throw lost();
    return answer.encoded;
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  async #run(name: string, task: WorkerTask): Promise<FrameAnswer> {
    if (this.#broken.has(name)) throw lost();
    const [samples, moved] =
      'part' in task
        ? [pictureSamples(task.arrangement), task.part.samples.buffer]
        : [samplesOf(task.frame.format), task.frame.bytes.buffer];
    const milliseconds = Math.min(FIXED_MS + MS_PER_SAMPLE * samples, LONGEST_MS);
    try {
      const answer = await this.#pool.run(task, { milliseconds, moved: [moved] });
      if ('refused' in answer) throw new PixelsRefused(answer.refused);
      return answer;
    } catch (error) {
      if (!(error instanceof WorkerLost) || error.reason === 'closed') throw error;
      const isSlow = error.reason === 'time';
      remember(isSlow && !this.#slow.has(name) ? this.#slow : this.#broken, name);
      throw isSlow ? new PixelsRefused('decoding its pixels takes too long') : lost();
    }
  }
}

function pictureSamples({ placement: { size } }: Arrangement): number {
  return size.width * size.height * 3;
}

function remember(names: Set<string>, name: string): void {
  names.add(name);
  const [oldest] = names;
  if (names.size > MOST_BROKEN && oldest !== undefined) names.delete(oldest);
}

function lost(): PixelsRefused {
  return new PixelsRefused('its pixels are broken');
}
