import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { longForm, sample } from '../support/long.form.ts';

const root = join(import.meta.dirname, '../..');
/** A Node.js that reports an older version before it loads the code under test. */
const OLDER = `Object.defineProperty(process.versions, 'node', { value: '20.19.0' })`;
const ENTRIES = [
  'main',
  'database/migrate',
  'audit/verify.command',
  'authn/keys/rotate.command',
  'imports/jobs/draft.command',
  'imports/jobs/preview.command',
];

interface Ended {
  readonly status: number;
  readonly said: string;
  readonly errors: string;
}

function run(program: string, args: readonly string[], cwd = root): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      { cwd, env: { PATH: process.env['PATH'] } },
      (_error, said, errors) => resolve({ status: child.exitCode ?? -1, said, errors }),
    );
  });
}

describe('under a Node that is too old', () => {
  it.each(sample(ENTRIES, 2))('dist/%s.js names the required version in a sentence', async (entry) => {
    const args = [
      `--import=data:text/javascript,${encodeURIComponent(OLDER)}`,
      join(root, `dist/${entry}.js`),
    ];
    expect(await run(process.execPath, args)).toEqual({
      status: 1,
      said: '',
      errors: expect.stringMatching(/^Radgate needs Node\.js 24 or newer; this is 20\.19\.0\. .*\n$/),
    });
  });

  it('the machine’s own Node does the same if it is too old', async () => {
    const { said } = await run('/usr/bin/node', ['--version']);
    const isOld = /^v(18|20|22)\./.test(said);
    for (const entry of isOld ? sample(ENTRIES, 1) : []) {
      const { status, errors } = await run('/usr/bin/node', [join(root, `dist/${entry}.js`)]);
      expect({ entry, status, errors }).toEqual({
        entry,
        status: 1,
        errors: expect.stringMatching(/^Radgate needs Node\.js 24 or newer; this is [\d.]+\. .*\n$/),
      });
    }
  });
});

describe('npm’s scripts', () => {
  it('let dist/config/env.file.js read the file .env', async () => {
    const Package = z.object({ scripts: z.record(z.string(), z.string()) });
    const { scripts } = Package.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));
    expect(JSON.stringify(scripts)).not.toContain('--env-file');
  });

  // The environment has no settings, so a command can only print its help text. Everything else would fail.
  it.each(longForm(['migrate', 'keys:rotate', 'audit:verify'], ['keys:rotate']))(
    'npm run %s -- --help says how it is used, does nothing, and prints nothing about a missing file .env',
    async (name) => {
      const folder = await mkdtemp(join(tmpdir(), 'radgate-scripts-'));
      try {
        for (const part of ['dist', 'infra', 'node_modules', 'package.json'])
          await symlink(join(root, part), join(folder, part));
        const { said, errors } = await run('npm', ['run', '--silent', name, '--', '--help'], folder);
        expect(errors).toBe('');
        expect(said).toMatch(new RegExp(`^npm run ${name} `));
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  );
});
