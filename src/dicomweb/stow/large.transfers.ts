import { Readable } from 'node:stream';
import { Slots } from '../../limits/slots.js';
import { aborted } from '../../limits/stall.limit.js';
import { NeighbourAway } from '../../problems/errors.js';
import {
  type InstanceBytes,
  InstanceTooLarge,
  SMALL_BYTES,
  type TransferredBytes,
} from './instance.bytes.js';

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

/**
 * Largest number of concurrent transfers of small instances, in total and for one account. Orthanc writes its index with one transaction
 * after the other, so more transfers of one account would only wait there.
 */
const MAX_SMALL = 24;
const MAX_SMALL_PER_ACCOUNT = 4;

const smallSlots = new Slots({ places: MAX_SMALL, perAccount: MAX_SMALL_PER_ACCOUNT });
const streamedSlots = new Slots({ places: MAX_STREAMED, perAccount: MAX_STREAMED_PER_ACCOUNT });
const largeSlot = new Slots({ places: 1 });

/** The sender of an instance. */
export interface TransferSender {
  readonly account: string | undefined;
  /** Aborts when the sender disconnects. */
  readonly signal: AbortSignal;
}

/**
 * Passes the bytes of an instance to `send` as a stream. The slots are held until `send` settles, because the archive processes the whole
 * instance after the last byte. `atEnd` runs after the last byte of a large instance and before the end of the stream. A commit in `atEnd`
 * is therefore complete before the receiver can answer. If reading the bytes throws an error, that error is thrown, and not the error that
 * `send` throws as a result.
 */
export async function sendInTurn<T>(
  content: InstanceBytes,
  sender: TransferSender,
  atEnd: (all: TransferredBytes) => Promise<void>,
  send: (body: Readable, isLastTry: boolean) => Promise<T>,
): Promise<T> {
  const { start, whole, inflated } = content;
  if (whole !== undefined && inflated() <= SMALL_BYTES) {
    const sendAll = (isLastTry: boolean) => send(Readable.from(start, { objectMode: false }), isLastTry);
    // The call can fail because the archive closed an idle connection. One retry is safe: if the same file is sent twice, it is stored
    // once.
    const sendTwice = () =>
      sendAll(false).catch((error: unknown) => {
        if (error instanceof NeighbourAway) return sendAll(true);
        throw error;
      });
    return smallSlots.run(sendTwice, undefined, sender.account);
  }
  const body = () => sendStreamed(content, sender, atEnd, send);
  return streamedSlots.run(body, sender.signal, sender.account);
}

async function sendStreamed<T>(
  content: InstanceBytes,
  sender: TransferSender,
  atEnd: (all: TransferredBytes) => Promise<void>,
  send: (body: Readable, isLastTry: boolean) => Promise<T>,
): Promise<T> {
  const failure: { error?: unknown } = {};
  // Frees the slot for large instances when `send` settles, because the end of the stream can be detected much later.
  const settled = new AbortController();
  const body = limited(content, sender, atEnd, settled.signal, failure);
  try {
    return await send(Readable.from(body, { objectMode: false }), true);
  } catch (error) {
    throw failure.error ?? error;
  } finally {
    settled.abort();
  }
}

/**
 * Passes on all bytes. A transfer that exceeds {@link LARGE_BYTES} must wait for the slot for large instances. If it is too slow after this
 * wait, throws {@link InstanceTooLarge}.
 */
async function* limited(
  content: InstanceBytes,
  { signal }: TransferSender,
  atEnd: (all: TransferredBytes) => Promise<void>,
  settled: AbortSignal,
  failure: { error?: unknown },
): AsyncGenerator<Buffer> {
  try {
    let size = 0;
    let large: LargeTransfer | undefined;
    for await (const chunk of concatenated(content, atEnd)) {
      size += chunk.length;
      if (Math.max(size, content.inflated()) > LARGE_BYTES && large === undefined) {
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

/** Yields all chunks, then runs `atEnd`. `start` is emptied, so that its chunks do not stay in memory. */
async function* concatenated(
  { start, rest, whole }: InstanceBytes,
  atEnd: (all: TransferredBytes) => Promise<void>,
): AsyncGenerator<Buffer> {
  yield* start.splice(0);
  await atEnd(whole ?? (yield* rest));
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
