import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Slots } from '../../limits/slots.js';
import { aborted } from '../../limits/stall.limit.js';
import { NeighbourAway } from '../../problems/errors.js';
import type { HeaderRead } from '../../dicom/header/header.reader.js';

/** An instance larger than the operator allows, or than the archive has room for now. */
export class InstanceTooLarge extends Error {}

/** Orthanc needs about four times an instance's size: those above this go to it one at a time. */
const LARGE_BYTES = 128 * 1024 * 1024;
/** Orthanc gives up a sender who is silent for 30 s; a large instance that waited this long for its turn is refused before. */
const TURN_MS = 20_000;
/** What a large instance must come at after a while, all in all: 2 GiB take an hour at most. */
const LEAST_BYTES_PER_SECOND = 512 * 1024;
const PATIENCE_MS = 30_000;
const PREAMBLE = 128;
/** What is at most this large is sent in one go, so that no slow sender holds one of Orthanc's threads. */
const AT_ONCE_BYTES = 1024 * 1024;
/** Senders of larger things at one time, and of one account: whoever sends slowly keeps out nobody but themselves. */
const SENDERS = 16;
const OF_ONE_ACCOUNT = 8;

const large = new Slots({ places: 1 });
const senders = new Slots({ places: SENDERS, perAccount: OF_ONE_ACCOUNT });

/** How a preamble begins that makes the file a TIFF as well, little or big endian, classic or BigTIFF (PS3.10 §7.1). */
const TIFF = new Set(['49492a00', '4d4d002a', '49492b00', '4d4d002b']);

/** What an operator allows of an instance. */
export interface Allowed {
  readonly largest: number;
  /** Whether the preamble of a file that is a TIFF as well stays. */
  readonly tiff: boolean;
}

/** What was seen of an instance when its last byte has passed. */
export interface Passed {
  readonly size: number;
  /** SHA-256 of the data set after the file meta information. */
  readonly sha256: Buffer;
}

/**
 * Passes an instance's bytes on while it hashes the data set. The preamble is zeroed (PS3.10 §7.1 gives it no meaning, and other file
 * types hide in it), but for that of a TIFF where these are allowed. `atEnd` is awaited before the last chunk is followed by the end, so what it commits is there before the receiver can have answered.
 */
export async function* passOn(
  read: HeaderRead,
  { largest, tiff }: Allowed,
  atEnd: (passed: Passed) => Promise<void>,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of withoutPreamble(read, tiff)) {
    const start = Math.max(0, read.header.datasetOffset - size);
    size += chunk.length;
    if (size > largest) throw new InstanceTooLarge();
    if (start < chunk.length) hash.update(chunk.subarray(start));
    yield chunk;
  }
  await atEnd({ size, sha256: hash.digest() });
}

/** Whose bytes they are, and what they have grown to where they are deflated: the archive inflates the whole of it. */
export interface TransferSender {
  readonly account: string | undefined;
  readonly inflated: () => number;
  /** Aborts when the sender is gone. */
  readonly signal: AbortSignal;
}

/**
 * Hands an instance's bytes to `send` as a stream, and holds the places it needs until `send` is done: the archive works on the
 * whole of it after the last byte. An error of `bytes` is thrown as it is, whatever `send` makes of it.
 */
export async function sendInTurn<T>(
  bytes: AsyncGenerator<Buffer>,
  sender: TransferSender,
  send: (body: Readable) => Promise<T>,
): Promise<T> {
  const start: Buffer[] = [];
  const whole = await gather(bytes, start);
  if (whole && sender.inflated() <= AT_ONCE_BYTES) {
    const once = () => send(Readable.from(start, { objectMode: false }));
    // The archive closes idle connections when it likes; the same file twice is stored once.
    return once().catch((error: unknown) => {
      if (error instanceof NeighbourAway) return once();
      throw error;
    });
  }
  return senders.run(() => sendSlowly(start, bytes, sender, send), sender.signal, sender.account);
}

async function sendSlowly<T>(
  start: Buffer[],
  rest: AsyncGenerator<Buffer>,
  sender: TransferSender,
  send: (body: Readable) => Promise<T>,
): Promise<T> {
  const fault: { error?: unknown } = {};
  // A place among the large ones is held, or waited for, until `send` is over however that ends: its body may hear of it much later.
  const over = new AbortController();
  try {
    return await send(Readable.from(inTurn(start, rest, sender, over.signal, fault), { objectMode: false }));
  } catch (error) {
    throw fault.error ?? error;
  } finally {
    over.abort();
  }
}

/** Takes the first chunks; true when these are all. */
async function gather(bytes: AsyncGenerator<Buffer>, into: Buffer[]): Promise<boolean> {
  for (let size = 0; size <= AT_ONCE_BYTES;) {
    const { done, value } = await bytes.next();
    if (done === true) return true;
    into.push(value);
    size += value.length;
  }
  return false;
}

async function* inTurn(
  start: Buffer[],
  rest: AsyncGenerator<Buffer>,
  { inflated, signal }: TransferSender,
  over: AbortSignal,
  fault: { error?: unknown },
): AsyncGenerator<Buffer> {
  try {
    let size = 0;
    let begun: Begun | undefined;
    for await (const chunk of chained(start, rest)) {
      size += chunk.length;
      if (Math.max(size, inflated()) > LARGE_BYTES && begun === undefined) {
        await turn(over, signal);
        begun = { at: Date.now(), size };
      }
      if (begun !== undefined && isTooSlow(size - begun.size, Date.now() - begun.at))
        throw new InstanceTooLarge();
      yield chunk;
    }
  } catch (error) {
    fault.error = error;
    throw error;
  }
}

interface Begun {
  readonly at: number;
  readonly size: number;
}

/** Whether so many bytes in so many milliseconds keep the one place for large instances from others for too long. */
export function isTooSlow(bytes: number, milliseconds: number): boolean {
  return milliseconds > PATIENCE_MS && (bytes * 1000) / milliseconds < LEAST_BYTES_PER_SECOND;
}

async function* chained(start: Buffer[], rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield* start.splice(0);
  yield* rest;
}

/** Resolves with a place among the large ones, which is held until `over` aborts. Throws {@link InstanceTooLarge} when it does not come in time. */
async function turn(over: AbortSignal, gone: AbortSignal): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new InstanceTooLarge()), TURN_MS);
  try {
    await new Promise<void>((entered, failed) => {
      const work = () => {
        entered();
        return aborted(over);
      };
      large.run(work, AbortSignal.any([over, gone, late.signal])).catch(failed);
    });
  } finally {
    clearTimeout(timer);
  }
}

async function* withoutPreamble({ head, rest }: HeaderRead, tiff: boolean): AsyncGenerator<Buffer> {
  let left = tiff && isTiff(head) ? 0 : PREAMBLE;
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

/** Reads an instance to its end without passing it on. */
export async function hashOnly(read: HeaderRead, allowed: Allowed): Promise<Passed> {
  let result: Passed | undefined;
  const keep = async (passed: Passed) => {
    result = passed;
  };
  for await (const chunk of passOn(read, allowed, keep)) void chunk;
  if (result === undefined) throw new Error('an instance ended without being seen whole');
  return result;
}
