import type { UploadFile, UploadSource } from './upload.types.ts';

/** Whether one of these files has the same bytes. Files that failed do not count. */
export async function hasEqual(file: UploadFile, others: readonly UploadFile[]): Promise<boolean> {
  for (const { source } of others)
    if (source.size === file.source.size && (await areEqual(source, file.source))) return true;
  return false;
}

async function areEqual(one: UploadSource, other: UploadSource): Promise<boolean> {
  const readers = [
    (await one.blob()).stream().getReader(),
    (await other.blob()).stream().getReader(),
  ] as const;
  let [left, right] = [new Uint8Array(), new Uint8Array()];
  try {
    for (;;) {
      if (left.length === 0) left = (await readers[0].read()).value ?? left;
      if (right.length === 0) right = (await readers[1].read()).value ?? right;
      const length = Math.min(left.length, right.length);
      if (length === 0) return left.length === right.length;
      for (let at = 0; at < length; at += 1) if (left[at] !== right[at]) return false;
      [left, right] = [left.subarray(length), right.subarray(length)];
    }
  } finally {
    await Promise.all(readers.map((reader) => reader.cancel().catch(() => undefined)));
  }
}
