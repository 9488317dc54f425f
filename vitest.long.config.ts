import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Whether a file asks test/support/long.form.ts, or one of the scenarios that it registers does. */
function takesSamples(file: string): boolean {
  const text = readFileSync(file, 'utf8');
  if (text.includes('/support/long.form.ts')) return true;
  const scenarios = [...text.matchAll(/from '(\.\.?\/[^']+\.scenarios\.ts)'/g)];
  return scenarios.some(([, path = '']) => takesSamples(join(dirname(file), path)));
}

/** Files that take samples in the gate. */
const sampled = globSync('test/**/*.test.ts').filter(takesSamples);
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
