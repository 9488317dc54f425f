import { createHash } from 'node:crypto';
import type { HeaderRead } from '../../dicom/header/header.reader.js';

/**
 * An instance is larger than the operator allows. Also thrown when a large instance had to wait too long before its transfer, or arrived
 * too slowly.
 */
export class InstanceTooLarge extends Error {}

/** The operator's settings for the bytes of an instance. */
export interface BytesPolicy {
  readonly maxBytes: number;
  /** Whether the preamble is kept if the file is also a TIFF. */
  readonly keepsTiffPreamble: boolean;
}

/** Size and hash of an instance after all its bytes were read. */
export interface TransferredBytes {
  readonly size: number;
  /** SHA-256 of the data set, without the file meta information. */
  readonly sha256: Buffer;
}

const PREAMBLE_BYTES = 128;
/** The first bytes of a preamble, in hexadecimal, when the file is also a TIFF: little or big endian, classic or BigTIFF (PS3.10 §7.1). */
const TIFF = new Set(['49492a00', '4d4d002a', '49492b00', '4d4d002b']);

/**
 * Passes on the bytes of an instance, and hashes its data set. The preamble is set to zero: it has no meaning (PS3.10 §7.1) and can hide
 * another file type. A TIFF preamble is kept if `policy` allows it. `atEnd` runs after the last byte and before the end of the stream. A
 * commit in `atEnd` is therefore complete before the receiver can answer. Throws {@link InstanceTooLarge}.
 */
export async function* passOn(
  file: HeaderRead,
  { maxBytes, keepsTiffPreamble }: BytesPolicy,
  atEnd: (all: TransferredBytes) => Promise<void>,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of withoutPreamble(file, keepsTiffPreamble)) {
    const start = Math.max(0, file.header.datasetOffset - size);
    size += chunk.length;
    if (size > maxBytes) throw new InstanceTooLarge();
    if (start < chunk.length) hash.update(chunk.subarray(start));
    yield chunk;
  }
  await atEnd({ size, sha256: hash.digest() });
}

/** Reads an instance to its end without keeping its bytes, and returns size and hash. Throws {@link InstanceTooLarge}. */
export async function hashToEnd(file: HeaderRead, policy: BytesPolicy): Promise<TransferredBytes> {
  let result: TransferredBytes | undefined;
  const keep = async (all: TransferredBytes) => {
    result = all;
  };
  for await (const chunk of passOn(file, policy, keep)) void chunk;
  if (result === undefined) throw new Error('the instance was not read to its end');
  return result;
}

async function* withoutPreamble(
  { head, rest }: HeaderRead,
  keepsTiffPreamble: boolean,
): AsyncGenerator<Buffer> {
  let left = keepsTiffPreamble && isTiff(head) ? 0 : PREAMBLE_BYTES;
  for (const chunk of head) {
    chunk.fill(0, 0, Math.min(left, chunk.length));
    left = Math.max(0, left - chunk.length);
    yield chunk;
  }
  yield* rest;
}

function isTiff(head: readonly Buffer[]): boolean {
  const beginning: number[] = [];
  for (const chunk of head) if (beginning.length < 4) beginning.push(...chunk.subarray(0, 4));
  return TIFF.has(Buffer.from(beginning).toString('hex', 0, 4));
}
