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

/**
 * An instance up to this size, in bytes, is kept in memory until all its bytes have arrived. A slow sender then does not occupy a thread of
 * Orthanc, and the next instance is read while this one is stored.
 */
export const SMALL_BYTES = 1024 * 1024;

/** Size and hash of an instance after all its bytes were read. */
export interface TransferredBytes {
  readonly size: number;
  /** SHA-256 of the data set, without the file meta information. */
  readonly sha256: Buffer;
}

const PREAMBLE_BYTES = 128;
/** The first bytes of a preamble, in hexadecimal, when the file is also a TIFF: little or big endian, classic or BigTIFF (PS3.10 §7.1). */
const TIFF = new Set(['49492a00', '4d4d002a', '49492b00', '4d4d002b']);

/** The bytes of an instance: first `start`, then `rest`. */
export interface InstanceBytes {
  /** The chunks that have been read. */
  readonly start: Buffer[];
  /** The other chunks. The generator returns size and hash of the whole instance, and throws {@link InstanceTooLarge}. */
  readonly rest: AsyncGenerator<Buffer, TransferredBytes>;
  /** Size and hash if `start` has all bytes of the instance, otherwise `undefined`. */
  readonly whole: TransferredBytes | undefined;
  /** Returns the inflated size so far of a deflated data set, in bytes. The archive inflates the whole data set in memory. */
  readonly inflated: () => number;
}

/**
 * Reads an instance up to its end if it is small, otherwise its beginning. The preamble is set to zero: it has no meaning (PS3.10 §7.1) and
 * can hide another file type. A TIFF preamble is kept if `policy` allows it. Throws {@link InstanceTooLarge}.
 */
export async function readStart(file: HeaderRead, policy: BytesPolicy): Promise<InstanceBytes> {
  const start: Buffer[] = [];
  const rest = hashed(file, policy);
  for (let size = 0; size <= SMALL_BYTES;) {
    const { done, value } = await rest.next();
    if (done === true) return { start, rest, whole: value, inflated: file.inflated };
    start.push(value);
    size += value.length;
  }
  return { start, rest, whole: undefined, inflated: file.inflated };
}

/** Reads an instance to its end without keeping its bytes, and returns size and hash. Throws {@link InstanceTooLarge}. */
export async function hashToEnd({ start, rest, whole }: InstanceBytes): Promise<TransferredBytes> {
  start.length = 0;
  if (whole !== undefined) return whole;
  for (;;) {
    const { done, value } = await rest.next();
    if (done === true) return value;
  }
}

/** Passes on the bytes of an instance, and returns size and hash at the end. */
async function* hashed(
  file: HeaderRead,
  { maxBytes, keepsTiffPreamble }: BytesPolicy,
): AsyncGenerator<Buffer, TransferredBytes> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of withoutPreamble(file, keepsTiffPreamble)) {
    const start = Math.max(0, file.header.datasetOffset - size);
    size += chunk.length;
    if (size > maxBytes) throw new InstanceTooLarge();
    if (start < chunk.length) hash.update(chunk.subarray(start));
    yield chunk;
  }
  return { size, sha256: hash.digest() };
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
