import { parentPort } from 'node:worker_threads';

/** A worker that misbehaves on request, for the tests of the pool. */
parentPort?.on('message', ({ does, says, ms }: { does: string; says: string; ms: number }) => {
  if (does === 'loop') for (;;);
  if (does === 'wait') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  if (does === 'throw') throw new Error('as asked');
  if (does === 'exit') process.exit(0);
  if (does === 'environment') parentPort?.postMessage(JSON.stringify(process.env), []);
  if (does === 'answer' || does === 'wait') parentPort?.postMessage(says, []);
});
