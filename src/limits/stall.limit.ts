import { PassThrough, pipeline, type Readable } from 'node:stream';

/** Returns a stream of the bytes of `source`. When the consumer reads nothing for `milliseconds`, both streams are destroyed. */
export function withStallLimit(source: Readable, milliseconds: number): Readable {
  const out = new PassThrough();
  const timer = setTimeout(
    () => out.destroy(new Error('the consumer read nothing for too long')),
    milliseconds,
  );
  out.on('data', () => timer.refresh());
  out.pause();
  out.once('close', () => clearTimeout(timer));
  pipeline(source, out, () => undefined);
  return out;
}

/** Resolves when a stream is closed, whether it ended, failed or was destroyed. */
export function closed(stream: Readable): Promise<void> {
  if (stream.closed) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once('close', () => resolve());
  });
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
