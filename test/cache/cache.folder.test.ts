import { mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BodyTooLong, CacheFolder, CacheUnusable } from '../../src/cache/cache.folder.js';
import { type CachedFile, hashOfKey } from '../../src/cache/cached.file.js';

const STUDY = '1.2.3';
const BODY = Buffer.alloc(3_000_000, 'body');

let root: string;
let folder: CacheFolder;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'radgate-cache-'));
  folder = new CacheFolder(root);
  await folder.prepare();
});
afterEach(() => rm(root, { recursive: true, force: true }));

const named = (written: Pick<CachedFile, 'length' | 'sha256'>): CachedFile => ({
  study: STUDY,
  key: hashOfKey({ study: STUDY, choices: [] }),
  payload: 0,
  boundary: '0'.repeat(32),
  ...written,
});
const piecesOf = (body: Buffer) =>
  Readable.from([body.subarray(0, 10), body.subarray(10, 700_000), body.subarray(700_000)], {
    objectMode: false,
  });
const write = (stream = piecesOf(BODY), maxBytes = BODY.length) => folder.write(stream, maxBytes, named);

describe('a file of the cache', () => {
  test('has exactly the written bytes, and is listed after a restart', async () => {
    const file = await write();
    expect((await readFile(folder.path(file))).equals(BODY)).toBe(true);
    expect(await folder.isIntact(file)).toBe(true);
    const restarted = new CacheFolder(root);
    await restarted.prepare();
    expect(await restarted.list()).toEqual([file]);
    expect(await restarted.isIntact(file)).toBe(true);
  });

  const damages: [string, (path: string) => Promise<void>][] = [
    ['one other byte', (path) => writeFile(path, Buffer.alloc(BODY.length, 'bodx'))],
    ['a missing end', (path) => truncate(path, BODY.length - 1)],
    ['an additional byte', (path) => writeFile(path, Buffer.concat([BODY, Buffer.from('x')]))],
    ['no bytes', (path) => truncate(path, 0)],
    ['no file', (path) => rm(path)],
    [
      'other bytes with the earlier time of writing',
      async (path) => {
        await writeFile(path, Buffer.alloc(BODY.length, 'other'));
        await utimes(path, new Date(0), new Date(0));
      },
    ],
  ];
  test.each(damages)('with %s is not intact, also after a restart', async (_, damage) => {
    const file = await write();
    await damage(folder.path(file));
    expect(await folder.isIntact(file)).toBe(false);
    expect(await new CacheFolder(root).isIntact(file)).toBe(false);
  });

  test('does not exist if its body breaks off, is too long, or the folder cannot be written', async () => {
    const broken = Readable.from(
      (async function* () {
        yield BODY;
        throw new Error('broken off');
      })(),
      { objectMode: false },
    );
    await expect(write(broken)).rejects.toThrow('broken off');
    await expect(write(piecesOf(BODY), BODY.length - 1)).rejects.toThrow(BodyTooLong);
    expect(await folder.list()).toEqual([]);
    expect(await readdir(join(root, 'partial'))).toEqual([]);
    await rm(join(root, 'partial'), { recursive: true });
    await expect(write()).rejects.toThrow(CacheUnusable);
  });

  test('is deleted at the start if it has another name or length; parts of files after an hour', async () => {
    const file = await write();
    const [short, old, recent] = [
      folder.path(file).replace('.3000000.', '.3000001.'),
      join(root, 'partial/old'),
      join(root, 'partial/recent'),
    ];
    for (const path of [short, old, recent, join(root, STUDY, 'other')]) await writeFile(path, 'x');
    await utimes(old, new Date(0), new Date(0));
    const restarted = new CacheFolder(root);
    await restarted.prepare();
    expect(await restarted.list()).toEqual([file]);
    expect(await readdir(join(root, STUDY))).toHaveLength(1);
    expect(await readdir(join(root, 'partial'))).toEqual(['recent']);
  });
});
