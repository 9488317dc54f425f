import { defineConfig } from 'vitest/config';

/** What takes minutes and gigabytes: one after the other, on a machine that does nothing else. */
export default defineConfig({
  test: {
    include: ['test/long/*.test.ts'],
    env: { RADGATE_LONG: '1' },
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 30 * 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    reporters: ['verbose'],
  },
});
