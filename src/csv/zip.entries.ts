import { Unzip, UnzipInflate } from 'fflate';
import { LIMITS } from './csv.limits.js';
import { FileRefused } from './csv.refusal.js';

/** Receives the decompressed bytes of an entry. `isLast` is true for the last call. */
export type EntryReader = (bytes: Uint8Array, isLast: boolean) => void;

/** The number of compressed bytes that are decompressed at once. Deflate expands them at most a thousand times. */
const SLICE = 4_096;
/** A high ratio is allowed for small files. */
const SMALL = 2 ** 24;

const refusalOf = (error: unknown): FileRefused =>
  error instanceof FileRefused ? error : new FileRefused('file-spreadsheet');

/**
 * Decompresses a ZIP file as a stream. `readerOf` returns the reader of an entry by its name, or undefined to ignore the entry. Yields after
 * each step, so that the caller can pass on what the readers collected. Throws `FileRefused` if the file is damaged, or the decompressed
 * size or the compression ratio is too high.
 */
export async function* readZip(
  source: AsyncIterable<Buffer>,
  readerOf: (name: string) => EntryReader | undefined,
): AsyncGenerator<void> {
  let packed = 0;
  let unpacked = 0;
  let open = 0;
  const unzip = new Unzip((entry) => {
    const reader = readerOf(entry.name);
    open += 1;
    entry.ondata = (error, bytes, isLast) => {
      // The library also passes on what this function throws.
      if (error !== null) throw refusalOf(error);
      unpacked += bytes.length;
      if (unpacked > LIMITS.bytes) throw new FileRefused('file-too-large');
      if (unpacked > SMALL && unpacked > packed * LIMITS.gzipRatio) throw new FileRefused('file-gzip-bomb');
      if (isLast) open -= 1;
      reader?.(bytes, isLast);
    };
    entry.start();
  });
  unzip.register(UnzipInflate);
  const push = (bytes: Uint8Array, isLast: boolean) => {
    try {
      unzip.push(bytes, isLast);
    } catch (error) {
      throw refusalOf(error);
    }
  };
  for await (const chunk of source)
    for (let at = 0; at < chunk.length; at += SLICE) {
      const slice = chunk.subarray(at, at + SLICE);
      packed += slice.length;
      push(slice, false);
      yield;
    }
  if (open > 0) throw new FileRefused('file-spreadsheet');
}
