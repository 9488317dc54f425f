import { Readable } from 'node:stream';
import { Slots } from '../../limits/slots.js';
import { aborted } from '../../limits/stall.limit.js';
import { NeighbourAway } from '../../problems/errors.js';
import { InstanceTooLarge } from './instance.bytes.js';

/**
 * An instance up to this size, in bytes, is sent to Orthanc only after all its bytes have arrived. A slow sender then does not occupy a
 * thread of Orthanc.
 */
const SMALL_BYTES = 1024 * 1024;
/**
 * Largest number of concurrent transfers of instances above {@link SMALL_BYTES}, in total and for one account. The second limit keeps slots
 * free for other accounts.
 */
const MAX_STREAMED = 16;
const MAX_STREAMED_PER_ACCOUNT = 8;
/**
 * Instances above this size, in bytes, are sent one at a time, because Orthanc needs about four times the size of an instance in memory.
 */
const LARGE_BYTES = 128 * 1024 * 1024;
/**
 * Longest time that a large instance waits for its turn. It is below 30 s, because Orthanc disconnects a sender after 30 s without data.
 */
const SLOT_WAIT_MS = 20_000;
/** Minimum average speed of a large instance after the grace period. At this speed, a transfer of 2 GiB takes about an hour. */
const MIN_BYTES_PER_SECOND = 512 * 1024;
const GRACE_MS = 30_000;

const streamedSlots = new Slots({ places: MAX_STREAMED, perAccount: MAX_STREAMED_PER_ACCOUNT });
const largeSlot = new Slots({ places: 1 });

/** The sender of an instance. */
export interface TransferSender {
  readonly account: string | undefined;
  /** Returns the inflated size so far of a deflated data set, in bytes. The archive inflates the whole data set in memory. */
  readonly inflated: () => number;
  /** Aborts when the sender disconnects. */
  readonly signal: AbortSignal;
}

/**
 * Passes the bytes of an instance to `send` as a stream. The slots are held until `send` settles, because the archive processes the whole
 * instance after the last byte. If `bytes` throws an error, that error is thrown, and not the error that `send` throws as a result.
 */
export async function sendInTurn<T>(
  bytes: AsyncGenerator<Buffer>,
  sender: TransferSender,
  send: (body: Readable) => Promise<T>,
): Promise<T> {
  const start: Buffer[] = [];
  const isComplete = await readStart(bytes, start);
  if (isComplete && sender.inflated() <= SMALL_BYTES) {
    const sendAll = () => send(Readable.from(start, { objectMode: false }));
    // The call can fail because the archive closed an idle connection. One retry is safe: if the same file is sent twice, it is stored
    // once.
    return sendAll().catch((error: unknown) => {
      if (error instanceof NeighbourAway) return sendAll();
      throw error;
    });
  }
  return streamedSlots.run(() => sendStreamed(start, bytes, sender, send), sender.signal, sender.account);
}

async function sendStreamed<T>(
  start: Buffer[],
  rest: AsyncGenerator<Buffer>,
  sender: TransferSender,
  send: (body: Readable) => Promise<T>,
): Promise<T> {
  const failure: { error?: unknown } = {};
  // Frees the slot for large instances when `send` settles, because the end of the stream can be detected much later.
  const settled = new AbortController();
  const body = limited(start, rest, sender, settled.signal, failure);
  try {
    return await send(Readable.from(body, { objectMode: false }));
  } catch (error) {
    throw failure.error ?? error;
  } finally {
    settled.abort();
  }
}

/** Moves the first chunks into `start`. Resolves to true when `bytes` has no more chunks. */
async function readStart(bytes: AsyncGenerator<Buffer>, start: Buffer[]): Promise<boolean> {
  for (let size = 0; size <= SMALL_BYTES;) {
    const { done, value } = await bytes.next();
    if (done === true) return true;
    start.push(value);
    size += value.length;
  }
  return false;
}

/**
 * Passes on all bytes. A transfer that exceeds {@link LARGE_BYTES} must wait for the slot for large instances. If it is too slow after this
 * wait, throws {@link InstanceTooLarge}.
 */
async function* limited(
  start: Buffer[],
  rest: AsyncGenerator<Buffer>,
  { inflated, signal }: TransferSender,
  settled: AbortSignal,
  failure: { error?: unknown },
): AsyncGenerator<Buffer> {
  try {
    let size = 0;
    let large: LargeTransfer | undefined;
    for await (const chunk of concatenated(start, rest)) {
      size += chunk.length;
      if (Math.max(size, inflated()) > LARGE_BYTES && large === undefined) {
        await takeLargeSlot(settled, signal);
        large = { since: Date.now(), size };
      }
      if (large !== undefined && isTooSlow(size - large.size, Date.now() - large.since))
        throw new InstanceTooLarge();
      yield chunk;
    }
  } catch (error) {
    failure.error = error;
    throw error;
  }
}

/** The time when the transfer got the slot for large instances, and the size of the transfer at that time. */
interface LargeTransfer {
  readonly since: number;
  readonly size: number;
}

/** Whether a large instance is too slow to keep its slot. `bytes` is the number of bytes that arrived in `milliseconds`. */
export function isTooSlow(bytes: number, milliseconds: number): boolean {
  return milliseconds > GRACE_MS && (bytes * 1000) / milliseconds < MIN_BYTES_PER_SECOND;
}

/** Yields the chunks of `start` and then of `rest`. `start` is emptied, so that its chunks do not stay in memory. */
async function* concatenated(start: Buffer[], rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield* start.splice(0);
  yield* rest;
}

/**
 * Waits until this transfer gets the slot for large instances, and holds the slot until `settled` aborts. Throws {@link InstanceTooLarge}
 * when the wait exceeds {@link SLOT_WAIT_MS}.
 */
async function takeLargeSlot(settled: AbortSignal, disconnected: AbortSignal): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new InstanceTooLarge()), SLOT_WAIT_MS);
  try {
    await new Promise<void>((taken, failed) => {
      const hold = () => {
        taken();
        return aborted(settled);
      };
      largeSlot.run(hold, AbortSignal.any([settled, disconnected, late.signal])).catch(failed);
    });
  } finally {
    clearTimeout(timer);
  }
}
