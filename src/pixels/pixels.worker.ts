import { parentPort } from 'node:worker_threads';
import { type RenderedFrame, type RenderTask, renderFrame } from './frame.renderer.js';
import { PixelsRefused } from './pixels.refused.js';

/** The answer of a worker. `refused`: why the frame cannot be rendered. */
export type RenderAnswer = RenderedFrame | { readonly refused: string };

parentPort?.on('message', (task: RenderTask) => {
  try {
    const frame = renderFrame(task);
    parentPort?.postMessage(frame, [frame.samples.buffer]);
  } catch (error) {
    // Any other error ends this worker, and the pool replaces it.
    if (!(error instanceof PixelsRefused)) throw error;
    parentPort?.postMessage({ refused: error.message }, []);
  }
});
