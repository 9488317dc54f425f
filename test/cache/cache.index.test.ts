import { array, assert, integer, nat, property, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CacheIndex } from '../../src/cache/cache.index.js';
import { type CachedFile, hashOfKey, parseName, pathOf } from '../../src/cache/cached.file.js';

const fileOf = (study: string, choice: number, length: number): CachedFile => ({
  study,
  key: hashOfKey({ study, choices: [choice] }),
  length,
  payload: length,
  sha256: hashOfKey({ study, choices: [] }),
  boundary: '0'.repeat(32),
});

describe('the index of the cache', () => {
  test('never exceeds its limits, and removes the least recently used files first', () => {
    const added = record({ study: nat(3), choice: nat(5), length: integer({ min: 1, max: 40 }) });
    assert(
      property(array(added, { maxLength: 80 }), (steps) => {
        const index = new CacheIndex(100, 5);
        let held: CachedFile[] = [];
        for (const { study, choice, length } of steps) {
          const file = fileOf(`1.${study}`, choice, length);
          if (index.use(file.key) !== undefined)
            held = [
              ...held.filter(({ key }) => key !== file.key),
              ...held.filter(({ key }) => key === file.key),
            ];
          const removed = index.add(file);
          held = [...held.filter(({ key }) => key !== file.key), file];
          while (held.length > 5 || held.reduce((sum, one) => sum + one.length, 0) > 100)
            expect(removed).toContain(held.shift());
          expect(index.bytes).toBe(held.reduce((sum, one) => sum + one.length, 0));
          for (const one of removed) expect(held).not.toContain(one);
          expect(new Set(index.studies())).toEqual(new Set(held.map((one) => one.study)));
        }
        for (const file of held) expect(index.use(file.key)).toBe(file);
      }),
    );
  });

  test('forgets all files of a study, and no others', () => {
    const index = new CacheIndex(1_000);
    const [one, two, other] = [fileOf('1.1', 1, 10), fileOf('1.1', 2, 10), fileOf('1.2', 1, 10)];
    for (const file of [one, two, other]) index.add(file);
    index.removeStudy('1.1');
    expect([one, two, other].map(({ key }) => index.use(key))).toEqual([undefined, undefined, other]);
    expect(index.bytes).toBe(10);
  });
});

test('the name of a file holds all that is needed to send and check the file; other names are refused', () => {
  const file = fileOf('1.2.3', 7, 12_345);
  const name = pathOf(file).slice('1.2.3/'.length);
  expect(parseName('1.2.3', name)).toEqual(file);
  for (const other of ['', 'partial', `${name}x`, `x.${name}`, name.replace('12345', '-1'), `../${name}`])
    expect(parseName('1.2.3', other)).toBeUndefined();
});
