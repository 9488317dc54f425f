import { spawnSync } from 'node:child_process';

// `npm run test:long`: runs the long tests. `-- --full` runs every test file. All other arguments are passed to vitest.
const given = process.argv.slice(2);
const vitest = ['vitest', 'run', '--config', 'vitest.long.config.ts'];
const { status } = spawnSync('npx', [...vitest, ...given.filter((argument) => argument !== '--full')], {
  stdio: 'inherit',
  env: { ...process.env, ...(given.includes('--full') && { RADGATE_FULL: '1' }) },
});
process.exitCode = status ?? 1;
