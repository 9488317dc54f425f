import { parentPort } from 'node:worker_threads';
import { PixelsRefused } from '../pixels.refused.js';
import { openJpeg } from './jpeg.picture.js';
import type { OpenedPicture } from './opened.picture.js';
import { openPng } from './png.picture.js';

/** A task of a worker: a picture file. */
export interface PictureTask {
  readonly kind: 'jpeg' | 'png';
  readonly file: Uint8Array<ArrayBuffer>;
}

/** The answer of a worker. `refused`: why the file cannot be opened. */
export type PictureAnswer = { readonly picture: OpenedPicture } | { readonly refused: string };

parentPort?.on('message', (task: PictureTask) => void answer(task));

/** Posts the answer to a task. An unexpected error ends this worker, and the pool replaces it. */
async function answer({ kind, file }: PictureTask): Promise<void> {
  try {
    const picture = kind === 'jpeg' ? await openJpeg(file) : openPng(file);
    parentPort?.postMessage({ picture }, [picture.bytes.buffer]);
  } catch (error) {
    if (!(error instanceof PixelsRefused)) throw error;
    parentPort?.postMessage({ refused: error.message }, []);
  }
}
