import { parentPort } from 'node:worker_threads';
import type { DecodedFrame } from './frame.decoder.js';
import { decoded, type RenderedFrame, renderFrame, type StoredFrame } from './frame.renderer.js';
import { PixelsRefused } from './pixels.refused.js';
import type { Presentation } from './presentation.js';

/** A task of a worker. Without a presentation, the frame is only decoded. */
export interface FrameTask {
  readonly frame: StoredFrame;
  readonly presentation: Presentation | undefined;
}

/** The answer of a worker. `refused`: why the frame cannot be decoded or rendered. */
export type FrameAnswer =
  { readonly rendered: RenderedFrame } | { readonly decoded: DecodedFrame } | { readonly refused: string };

parentPort?.on('message', (task: FrameTask) => void answer(task));

/** Posts the answer to a task. An unexpected error ends this worker, and the pool replaces it. */
async function answer({ frame, presentation }: FrameTask): Promise<void> {
  try {
    if (presentation === undefined) {
      const answer = { decoded: await decoded(frame) };
      parentPort?.postMessage(answer, [answer.decoded.bytes.buffer]);
    } else {
      const answer = { rendered: await renderFrame(frame, presentation) };
      parentPort?.postMessage(answer, [answer.rendered.samples.buffer]);
    }
  } catch (error) {
    if (!(error instanceof PixelsRefused)) throw error;
    parentPort?.postMessage({ refused: error.message }, []);
  }
}
