import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');

/** The memory of this process in bytes after garbage collection. */
export function heldBytes(): number {
  // After the first garbage collection, a concurrent sweeper still frees buffers. The second garbage collection waits for this sweeper.
  for (let time = 0; time < 2; time += 1) if (typeof collect === 'function') collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
