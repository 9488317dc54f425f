import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const EXPORT = /^export (?:async |abstract )*(?:function\*?|const|class|type|interface|enum) (?<name>\w+)/gm;

it.each(['src', 'infra', 'portal', 'bench', 'test'])('in %s, no two files export the same name', (folder) => {
  const places = new Map<string, Set<string>>();
  for (const file of globSync(`${folder}/**/*.ts`, { cwd: root }))
    for (const { groups } of readFileSync(join(root, file), 'utf8').matchAll(EXPORT)) {
      const name = groups?.['name'] ?? '';
      places.set(name, (places.get(name) ?? new Set()).add(file));
    }
  expect(places.size).toBeGreaterThan(5);
  const shared = [...places].filter(([, files]) => files.size > 1);
  expect(shared).toEqual([]);
});
