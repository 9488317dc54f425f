import { describe, expect, it } from 'vitest';
import { FrameWorkers } from '../../src/pixels/frame.workers.js';
import { WorkerLost } from '../../src/pixels/worker.pool.js';
import { pixelFormat } from './made.frames.ts';

const frame = () => ({ format: pixelFormat(8, 8), codec: undefined, bytes: new Uint8Array(9), firstBit: 0 });

/** Workers whose pool loses each task for this reason. `runs` counts the tasks. */
function losing(reason: 'time' | 'failure') {
  const seen = { runs: 0 };
  const run = () => {
    seen.runs += 1;
    return Promise.reject(new WorkerLost(reason));
  };
  const workers = new FrameWorkers({ run, close: () => Promise.resolve() });
  return { seen, decode: (name: string) => workers.decode(name, frame()) };
}

describe('a frame that loses its worker', () => {
  it('by a failure is not tried again', async () => {
    const { seen, decode } = losing('failure');
    for (let turn = 0; turn < 3; turn += 1) await expect(decode('one')).rejects.toThrow('broken');
    expect(seen.runs).toBe(1);
    await expect(decode('other')).rejects.toThrow('broken');
    expect(seen.runs).toBe(2);
  });

  it('by its time limit is tried once more, because the machine can have been busy', async () => {
    const { seen, decode } = losing('time');
    for (let turn = 0; turn < 2; turn += 1) await expect(decode('one')).rejects.toThrow('too long');
    for (let turn = 0; turn < 2; turn += 1) await expect(decode('one')).rejects.toThrow('broken');
    expect(seen.runs).toBe(2);
  });
});
