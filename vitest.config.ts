import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { SlowestFirst } from './test/support/slowest.first.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // By vitest.long.config.ts only.
    exclude: ['test/long/**', '**/node_modules/**'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A poll waits for a fact; where how soon matters, the test says so.
    expect: { poll: { timeout: 10_000 } },
    pool: 'forks',
    // A worker runs many test files, one after the other. A new worker for each file would take half a second of processor time more.
    isolate: false,
    // One more than the processors, because tests also wait for time limits, polls and restarts. With more, browsers become too slow.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: SlowestFirst },
  },
});
