import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
/** The largest permitted number of files directly in one folder, except in the folder of migrations. */
const MOST_FILES = 30;

it('docs/architecture.md names files that exist', async () => {
  const text = await readFile(join(root, 'docs/architecture.md'), 'utf8');
  const named = [...text.matchAll(/`((?:src|test|docs)\/[^`\s]+)`/g)].map(([, path = '']) => path);
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

it('links between the pages lead to files that exist', async () => {
  const pages = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md'));
  const broken: string[] = [];
  for (const page of ['README.md', 'CONTRIBUTING.md', ...pages.map((name) => `docs/${name}`)]) {
    const text = await readFile(join(root, page), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g))
      if (!existsSync(join(root, dirname(page), target))) broken.push(`${page}: ${target}`);
  }
  expect(broken).toEqual([]);
});

it(`no folder of src or portal holds more than ${MOST_FILES} files`, async () => {
  const crowded: string[] = [];
  for (const top of ['src', 'portal']) {
    const entries = await readdir(join(root, top), { recursive: true, withFileTypes: true });
    const counts = new Map<string, number>();
    for (const entry of entries.filter((one) => one.isFile() && !one.parentPath.endsWith('migrations')))
      counts.set(entry.parentPath, (counts.get(entry.parentPath) ?? 0) + 1);
    for (const [folder, count] of counts) if (count > MOST_FILES) crowded.push(`${folder}: ${count}`);
  }
  expect(crowded).toEqual([]);
});
