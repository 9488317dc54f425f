import { globSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** Files that take samples in the gate: they ask test/support/long.form.ts. */
const sampled = globSync('test/**/*.test.ts').filter((file) =>
  readFileSync(file, 'utf8').includes('/support/long.form.ts'),
);
const isFull = process.env['RADGATE_FULL'] === '1';

/** The long forms, one after the other, on a machine that does nothing else; with RADGATE_FULL every test file. */
export default defineConfig({
  test: {
    include: isFull ? ['test/**/*.test.ts'] : ['test/long/*.test.ts', ...sampled],
    env: { RADGATE_LONG: '1' },
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 30 * 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    reporters: ['verbose'],
  },
});
