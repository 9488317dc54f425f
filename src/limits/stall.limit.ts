import { PassThrough, pipeline, type Readable } from 'node:stream';

/** Passes `source` on; when its reader takes nothing for `milliseconds` both ends are destroyed, so the source is freed. */
export function withStallLimit(source: Readable, milliseconds: number): Readable {
  const out = new PassThrough();
  const timer = setTimeout(
    () => out.destroy(new Error('the reader took nothing for too long')),
    milliseconds,
  );
  out.on('data', () => timer.refresh());
  out.pause();
  out.once('close', () => clearTimeout(timer));
  pipeline(source, out, () => undefined);
  return out;
}

/** Resolves when a stream is closed: read to its end, broken or destroyed. */
export function closed(stream: Readable): Promise<void> {
  if (stream.closed) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once('close', () => resolve());
  });
}

/** Resolves when a signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
