import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');

/** What this process holds, in bytes, when all that nobody needs is collected. */
export function heldBytes(): number {
  // Twice: the first leaves buffers to be swept beside us, the second waits for that.
  for (let time = 0; time < 2; time += 1) if (typeof collect === 'function') collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
