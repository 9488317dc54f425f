import { createHash } from 'node:crypto';
import { Slots } from '../orthanc/slots.js';
import type { HeaderRead } from './header.reader.js';

/** An instance larger than the operator allows. */
export class InstanceTooLarge extends Error {}

/** Orthanc needs about four times an instance's size: those above this go to it one at a time. */
const LARGE_BYTES = 128 * 1024 * 1024;
const large = new Slots(1);
const PREAMBLE = 128;

/** What was seen of an instance when its last byte has passed. */
export interface Passed {
  readonly size: number;
  /** SHA-256 of the data set after the file meta information. */
  readonly sha256: Buffer;
}

/**
 * Passes an instance's bytes on while it hashes the data set. The preamble is zeroed (PS3.10 §7.1 gives it no meaning, and other file
 * types hide in it). `atEnd` is awaited before the last chunk is followed by the end, so what it commits is there before the receiver can have answered.
 */
export async function* passOn(
  read: HeaderRead,
  largest: number,
  atEnd: (passed: Passed) => Promise<void>,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let size = 0;
  let release: (() => void) | undefined;
  try {
    for await (const chunk of withoutPreamble(read)) {
      const start = Math.max(0, read.header.datasetOffset - size);
      size += chunk.length;
      if (size > largest) throw new InstanceTooLarge();
      if (size > LARGE_BYTES) release ??= await large.take();
      if (start < chunk.length) hash.update(chunk.subarray(start));
      yield chunk;
    }
    await atEnd({ size, sha256: hash.digest() });
  } finally {
    release?.();
  }
}

async function* withoutPreamble({ head, rest }: HeaderRead): AsyncGenerator<Buffer> {
  let left = PREAMBLE;
  for (const chunk of head) {
    chunk.fill(0, 0, Math.min(left, chunk.length));
    left = Math.max(0, left - chunk.length);
    yield chunk;
  }
  yield* rest;
}

/** Reads an instance to its end without passing it on. */
export async function hashOnly(read: HeaderRead, largest: number): Promise<Passed> {
  let result: Passed | undefined;
  const keep = async (passed: Passed) => {
    result = passed;
  };
  for await (const chunk of passOn(read, largest, keep)) void chunk;
  if (result === undefined) throw new Error('an instance ended without being seen whole');
  return result;
}
