import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ISSUE_CODES } from '../../src/mapping/issue.codes.js';

describe('docs/import-codes.md', () => {
  it('explains exactly the codes there are, with their messages and an example each', async () => {
    const page = await readFile(join(import.meta.dirname, '../../docs/import-codes.md'), 'utf8');
    const rows = page.split('\n').flatMap((line) => {
      const [, code, message, example] = /^\| `([a-z0-9-]+)`\s*\| (.+?)\s*\| (.+?)\s*\|$/.exec(line) ?? [];
      return code === undefined ? [] : [{ code, message, example }];
    });
    expect(rows.map(({ code }) => code)).toEqual([...ISSUE_CODES.keys()]);
    expect(rows.map(({ message }) => message)).toEqual(
      [...ISSUE_CODES.values()].map(({ message }) => message),
    );
    expect(rows.filter(({ example }) => example === undefined || example === '')).toEqual([]);
  });
});
