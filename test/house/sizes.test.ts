import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const LONGEST_FILE = 250;
const CODE = /\.(ts|tsx|js|mjs|css)$/;

/** The paths of all files of `src` and `portal`. */
async function sourceFiles(): Promise<string[]> {
  const found = await Promise.all(
    ['src', 'portal'].map((folder) => readdir(join(root, folder), { recursive: true, withFileTypes: true })),
  );
  return found
    .flat()
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

it('no file of src or portal has more than 250 lines', async () => {
  const code = (await sourceFiles()).filter((path) => CODE.test(path));
  expect(code.length).toBeGreaterThan(300);
  const lengths = await Promise.all(
    code.map(async (path) => ({
      path,
      lines: (await readFile(join(root, path), 'utf8')).split('\n').length - 1,
    })),
  );
  expect(lengths.filter(({ lines }) => lines > LONGEST_FILE)).toEqual([]);
});
