import { parentPort } from 'node:worker_threads';
import type { RenderedFrame } from '../frame.renderer.js';
import { PixelsRefused } from '../pixels.refused.js';
import type { PictureSize } from '../viewport.js';
import { renderPage } from './page.renderer.js';

/** A task of a worker: the first page of this PDF document, as large as it fits into `box`. */
export interface PageTask {
  readonly document: Uint8Array<ArrayBuffer>;
  readonly box: PictureSize;
}

/** The answer of a worker. `refused`: why the page cannot be rendered. */
export type PageAnswer = { readonly rendered: RenderedFrame } | { readonly refused: string };

parentPort?.on('message', (task: PageTask) => void answer(task));

/** Posts the answer to a task. An unexpected error ends this worker, and the pool replaces it. */
async function answer({ document, box }: PageTask): Promise<void> {
  try {
    const rendered = await renderPage(document, box);
    parentPort?.postMessage({ rendered }, [rendered.samples.buffer]);
  } catch (error) {
    if (!(error instanceof PixelsRefused)) throw error;
    parentPort?.postMessage({ refused: error.message }, []);
  }
}
