import { Readable } from 'node:stream';
import { Slots } from '../../limits/slots.js';
import { aborted } from '../../limits/stall.limit.js';
import { NeighbourAway } from '../../problems/errors.js';
import { InstanceTooLarge } from './instance.bytes.js';

/** An instance up to this size is sent only when it is complete. A slow sender therefore occupies no thread of Orthanc. */
const SMALL_BYTES = 1024 * 1024;
/** Transfers of larger instances at the same time, in all and for one account: a slow sender delays only itself. */
const MAX_STREAMED = 16;
const MAX_STREAMED_PER_ACCOUNT = 8;
/** Orthanc needs about four times the size of an instance in memory. Instances above this size are sent one at a time. */
const LARGE_BYTES = 128 * 1024 * 1024;
/** The longest wait of a large instance for its slot. Orthanc drops a sender after 30 s of silence. */
const SLOT_WAIT_MS = 20_000;
/** The least average speed of a large instance after the grace period; at this speed 2 GiB take about an hour. */
const MIN_BYTES_PER_SECOND = 512 * 1024;
const GRACE_MS = 30_000;

const streamedSlots = new Slots({ places: MAX_STREAMED, perAccount: MAX_STREAMED_PER_ACCOUNT });
const largeSlot = new Slots({ places: 1 });

/** The sender of an instance. */
export interface TransferSender {
  readonly account: string | undefined;
  /** The size of a deflated data set after inflation so far, in bytes. The archive inflates all of it in memory. */
  readonly inflated: () => number;
  /** Aborts when the sender disconnects. */
  readonly signal: AbortSignal;
}

/**
 * Gives the bytes of an instance to `send` as a stream, and holds the slots it needs until `send` settles: the archive processes the
 * whole instance after the last byte. An error of `bytes` is thrown unchanged, whatever error `send` throws for it.
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
    // The archive may have closed an idle connection. One retry is safe: storing the same file twice stores it once.
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
  // Frees the slot for large instances when `send` settles. The stream may notice the end much later.
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

/** Moves the first chunks into `start`. Resolves to true when these are all chunks. */
async function readStart(bytes: AsyncGenerator<Buffer>, start: Buffer[]): Promise<boolean> {
  for (let size = 0; size <= SMALL_BYTES;) {
    const { done, value } = await bytes.next();
    if (done === true) return true;
    start.push(value);
    size += value.length;
  }
  return false;
}

/** All bytes; waits for the slot for large instances when they become large, and throws when they are then too slow. */
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

/** When the transfer got the slot for large instances, and its size then. */
interface LargeTransfer {
  readonly since: number;
  readonly size: number;
}

/** Whether a large instance is too slow to keep its slot: `bytes` arrived in so many milliseconds. */
export function isTooSlow(bytes: number, milliseconds: number): boolean {
  return milliseconds > GRACE_MS && (bytes * 1000) / milliseconds < MIN_BYTES_PER_SECOND;
}

/** Both in a row. `start` is emptied, so that its chunks do not stay in memory. */
async function* concatenated(start: Buffer[], rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield* start.splice(0);
  yield* rest;
}

/**
 * Waits until this transfer gets the slot for large instances, and holds the slot until `settled` aborts. Throws {@link InstanceTooLarge}
 * after the longest wait.
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
