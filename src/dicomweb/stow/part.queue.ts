import { counting } from './stow.body.js';
import type { PartTurn } from './part.state.js';
import type { Outcome } from './stow.outcome.js';

/** When this many parts wait for the archive, the next part is not read. */
const MAX_WAITING = 16;
/** Largest total size, in bytes, when more than one part waits for the archive. The archive needs about four times this size in memory. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

type StorePart = (body: AsyncIterable<Buffer>, turn: PartTurn) => Promise<Outcome>;

/**
 * Reads the parts one after the other, and stores each part with `store`. While the next part is read, up to fifteen parts
 * wait for the archive. After an error, `interrupted` receives the outcomes of all parts that finished, and the error is thrown.
 */
export async function storeParts(
  bodies: AsyncIterable<AsyncIterable<Buffer>>,
  turn: Pick<PartTurn, 'study' | 'signal'>,
  store: StorePart,
  interrupted: (outcomes: readonly Outcome[]) => void,
): Promise<Outcome[]> {
  const all: Promise<Outcome>[] = [];
  try {
    await readAll(bodies, turn, store, all);
    return await Promise.all(all);
  } catch (error) {
    // Waits for every started part, because stored instances must be in the audit even if the answer does not report them.
    const settled = await Promise.allSettled(all);
    interrupted(settled.flatMap((part) => (part.status === 'fulfilled' ? [part.value] : [])));
    throw error;
  }
}

async function readAll(
  bodies: AsyncIterable<AsyncIterable<Buffer>>,
  turn: Pick<PartTurn, 'study' | 'signal'>,
  store: StorePart,
  all: Promise<Outcome>[],
): Promise<void> {
  const waiting: { bytes: number; outcome: Promise<Outcome> }[] = [];
  for await (const body of bodies) {
    const { promise: read, resolve: bytesRead } = Promise.withResolvers<void>();
    const counted = { bytes: 0 };
    const index = all.length;
    const earlierSettled = () => Promise.allSettled(all.slice(0, index));
    const outcome = store(counting(body, counted), { ...turn, bytesRead, earlierSettled }).finally(bytesRead);
    // `Promise.all` throws the error later. This handler prevents an unhandled rejection until then.
    outcome.catch(() => undefined);
    all.push(outcome);
    await read;
    waiting.push({ bytes: counted.bytes, outcome });
    while (waiting.length > 1 && (waiting.length >= MAX_WAITING || bytesOf(waiting) > MAX_WAITING_BYTES))
      await waiting.shift()?.outcome;
  }
}

function bytesOf(parts: readonly { bytes: number }[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}
