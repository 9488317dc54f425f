import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const LONGEST_FILE = 250;
const LONGEST_CONTROLLER = 120;
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

/** The files that have more lines than `lines`, each with its number of lines. */
async function longerThan(lines: number, paths: readonly string[]) {
  const lengths = await Promise.all(
    paths.map(async (path) => {
      const text = await readFile(join(root, path), 'utf8');
      return { path, lines: text.split('\n').length - 1 };
    }),
  );
  return lengths.filter((file) => file.lines > lines);
}

it('no file of src or portal has more than 250 lines', async () => {
  const code = (await sourceFiles()).filter((path) => CODE.test(path));
  expect(code.length).toBeGreaterThan(300);
  expect(await longerThan(LONGEST_FILE, code)).toEqual([]);
});

it('no controller has more than 120 lines', async () => {
  const controllers = (await sourceFiles()).filter((path) => path.endsWith('.controller.ts'));
  expect(controllers.length).toBeGreaterThan(10);
  expect(await longerThan(LONGEST_CONTROLLER, controllers)).toEqual([]);
});
