import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '../..');

// The environment has no settings, so a command can only print its help text. Everything else would fail.
it.each([
  ['keys:rotate', 'infra/local/rotate.ts'],
  ['keys:rotate', 'dist/authn/keys/rotate.command.js'],
  ['audit:verify', 'dist/audit/verify.command.js'],
  ['migrate', 'dist/database/migrate.js'],
])('npm run %s -- --help says how it is used and does nothing (%s)', async (name, file) => {
  const { stdout, stderr } = await execute(process.execPath, [join(root, file), '--help'], {
    cwd: import.meta.dirname,
    env: {},
  });
  expect(stdout).toMatch(new RegExp(`^npm run ${name} `));
  expect(stderr).toBe('');
});
