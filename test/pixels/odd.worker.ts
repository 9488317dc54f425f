import { parentPort } from 'node:worker_threads';

/** A worker that misbehaves on request, for the tests of the pool. */
parentPort?.on('message', ({ does, says }: { does: string; says: string }) => {
  if (does === 'loop') for (;;);
  if (does === 'throw') throw new Error('as asked');
  if (does === 'exit') process.exit(0);
  if (does === 'environment') parentPort?.postMessage(JSON.stringify(process.env), []);
  if (does === 'answer') parentPort?.postMessage(says, []);
});
