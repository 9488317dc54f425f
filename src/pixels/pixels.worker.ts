import { parentPort } from 'node:worker_threads';
import type { Compression } from '../dicom/transfer.syntaxes.js';
import { type EncodedFrame, encodeFrame } from './encoders/frame.encoder.js';
import type { DecodedFrame } from './frame.decoder.js';
import { decoded, type RenderedFrame, renderFrame, type StoredFrame } from './frame.renderer.js';
import { PixelsRefused } from './pixels.refused.js';
import type { Presentation } from './presentation.js';
import { type Arrangement, arrangedPicture } from './states/arranged.picture.js';

/** A task of a worker: a frame, or a scaled part of an image that becomes the picture of a presentation state. */
export type WorkerTask = FrameTask | ArrangeTask;

export interface ArrangeTask {
  readonly part: RenderedFrame;
  readonly arrangement: Arrangement;
}

/** A task with a frame. With a presentation, the frame is rendered, and with a compression, it is compressed. Otherwise it is only decoded. */
export interface FrameTask {
  readonly frame: StoredFrame;
  readonly presentation?: Presentation;
  readonly compression?: Compression;
}

/** The answer of a worker. `refused`: why the frame cannot be decoded, rendered or compressed. */
export type FrameAnswer =
  | { readonly rendered: RenderedFrame }
  | { readonly decoded: DecodedFrame }
  | { readonly encoded: EncodedFrame }
  | { readonly refused: string };

parentPort?.on('message', (task: WorkerTask) => void answer(task));

/** Posts the answer to a task. An unexpected error ends this worker, and the pool replaces it. */
async function answer(task: WorkerTask): Promise<void> {
  try {
    if ('part' in task) {
      const answer = { rendered: arrangedPicture(task.part, task.arrangement) };
      parentPort?.postMessage(answer, [answer.rendered.samples.buffer]);
      return;
    }
    const { frame, presentation, compression } = task;
    if (presentation !== undefined) {
      const answer = { rendered: await renderFrame(frame, presentation) };
      parentPort?.postMessage(answer, [answer.rendered.samples.buffer]);
    } else if (compression !== undefined) {
      const answer = { encoded: await encodeFrame(compression, await decoded(frame)) };
      parentPort?.postMessage(answer, [answer.encoded.bytes.buffer]);
    } else {
      const answer = { decoded: await decoded(frame) };
      parentPort?.postMessage(answer, [answer.decoded.bytes.buffer]);
    }
  } catch (error) {
    if (!(error instanceof PixelsRefused)) throw error;
    parentPort?.postMessage({ refused: error.message }, []);
  }
}
