import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, rmdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type CachedFile, hasFolder, parseName, pathOf } from './cached.file.js';

/** The folder of files that are being written. */
const PARTIAL = 'partial';
/** Files are readable by the group, so that nginx can send them. */
const FILE_MODE = 0o640;
const FOLDER_MODE = 0o750;
/** The bytes of a body are collected up to this length before they are written. */
const WRITE_BYTES = 512 * 1024;
const PUBLISH_ATTEMPTS = 3;
const ABANDONED_MS = 60 * 60 * 1000;
/** A claim is renewed in the first interval. After the second one, another process may take it, because its process has ended. */
const RENEW_MS = 10_000;
const CLAIM_MS = 60_000;

/** The error of a disk that is full, read-only or broken. The request can be answered without the cache. */
export class CacheUnusable extends Error {}

/** A body that is longer than allowed. */
export class BodyTooLong extends Error {}

/** A state of a file on the disk. The state differs after each write to the file. */
type FileState = string;

interface WrittenFile {
  readonly file: CachedFile;
  readonly at: number;
}

/** Reads and writes the files of the cache. A file appears under its name only when all its bytes are written. */
export class CacheFolder {
  /** The states of the files whose checksum was compared. */
  readonly #checked = new WeakMap<CachedFile, FileState>();
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** The absolute path of a file. */
  path(file: CachedFile): string {
    return join(this.#root, pathOf(file));
  }

  /** Creates the folder and removes parts of files that an earlier process left. Throws if the folder cannot be written. */
  async prepare(): Promise<void> {
    const partial = join(this.#root, PARTIAL);
    await mkdir(partial, { recursive: true, mode: FOLDER_MODE });
    for (const name of await readdir(partial)) {
      const path = join(partial, name);
      const { mtimeMs } = await stat(path);
      if (Date.now() - mtimeMs > ABANDONED_MS) await rm(path, { force: true });
    }
    await this.#probe(join(partial, `probe-${randomBytes(8).toString('hex')}`));
  }

  /** All complete files, the oldest first. Files with another name or length are deleted. */
  async list(): Promise<CachedFile[]> {
    const found: WrittenFile[] = [];
    for (const study of await readdir(this.#root)) found.push(...(await this.#filesOf(study)));
    return inOrderOfTime(found);
  }

  /**
   * All complete files of a study, the oldest first. Files with another name or length are deleted. `before`: only files that were written
   * before this time, in milliseconds since 1970.
   */
  async listStudy(study: string, before = Infinity): Promise<CachedFile[]> {
    return inOrderOfTime((await this.#filesOf(study)).filter(({ at }) => at < before));
  }

  /** The state of the folder of a study. It differs after a file was added or removed. `undefined` if the study has no files. */
  stateOfStudy(study: string): FileState | undefined {
    const found = hasFolder(study)
      ? statSync(join(this.#root, study), { throwIfNoEntry: false, bigint: true })
      : undefined;
    return found === undefined ? undefined : `${found.ino} ${found.mtimeNs}`;
  }

  /**
   * Claims a study, so that only one of the processes that share this folder makes its files in advance. Returns a function that ends the
   * claim, or `undefined` if another process has the claim. The claim of a killed process ends after a minute.
   */
  async claim(study: string): Promise<(() => Promise<void>) | undefined> {
    const path = join(this.#root, PARTIAL, `claim-${study}`);
    if (!hasFolder(study)) return undefined;
    const held = await stat(path).catch(() => undefined);
    if (held !== undefined && Date.now() - held.mtimeMs > CLAIM_MS) await rm(path, { force: true });
    const handle = await open(path, 'wx', FILE_MODE).catch(() => undefined);
    if (handle === undefined) return undefined;
    await handle.close();
    const renewing = setInterval(() => {
      utimes(path, new Date(), new Date()).catch(() => undefined);
    }, RENEW_MS).unref();
    return async () => {
      clearInterval(renewing);
      await rm(path, { force: true });
    };
  }

  async #filesOf(study: string): Promise<WrittenFile[]> {
    const found: WrittenFile[] = [];
    const names = hasFolder(study) ? await readdir(join(this.#root, study)).catch(() => []) : [];
    for (const name of names) {
      const path = join(this.#root, study, name);
      const file = parseName(study, name);
      const written = await stat(path).catch(() => undefined);
      if (file !== undefined && written?.size === file.length) found.push({ file, at: written.mtimeMs });
      else if (written !== undefined) await rm(path, { force: true, recursive: true });
    }
    return found;
  }

  /**
   * Writes the bytes of a stream to a file. `named` returns the name of the file for its length and checksum. Errors of the stream are
   * thrown unchanged. Throws {@link CacheUnusable} for errors of the disk, and {@link BodyTooLong} for more than `maxBytes` bytes.
   */
  async write(
    stream: Readable,
    maxBytes: number,
    named: (written: Pick<CachedFile, 'length' | 'sha256'>) => CachedFile,
  ): Promise<CachedFile> {
    const partial = join(this.#root, PARTIAL, randomBytes(16).toString('hex'));
    const handle = await onDisk(() => open(partial, 'wx', FILE_MODE)).catch((error: unknown) => {
      stream.on('error', () => undefined).destroy();
      throw error;
    });
    try {
      const hash = createHash('sha256');
      let length = 0;
      let pieces: Buffer[] = [];
      let waiting = 0;
      const flush = async () => {
        if (pieces.length > 0) await onDisk(() => handle.writeFile(Buffer.concat(pieces)));
        [pieces, waiting] = [[], 0];
      };
      for await (const chunk of stream) {
        if (!Buffer.isBuffer(chunk)) throw new Error('the stream has a chunk that is not bytes');
        hash.update(chunk);
        length += chunk.length;
        if (length > maxBytes) throw new BodyTooLong('The body is too long for the cache.');
        pieces.push(chunk);
        waiting += chunk.length;
        if (waiting >= WRITE_BYTES) await flush();
      }
      await flush();
      const file = named({ length, sha256: hash.digest('base64url') });
      await onDisk(async () => {
        await handle.close();
        await this.#publish(partial, file);
      });
      const state = this.#stateOf(file);
      if (state === undefined) throw new CacheUnusable('A file of the cache is not as it was written.');
      this.#checked.set(file, state);
      return file;
    } catch (error) {
      await handle.close().catch(() => undefined);
      await rm(partial, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  /**
   * Whether the file is complete and unchanged since it was written. Reads the whole file only if it was not read before, or if its state
   * on the disk has changed.
   */
  async isIntact(file: CachedFile): Promise<boolean> {
    const state = this.#stateOf(file);
    if (state === undefined) return false;
    if (this.#checked.get(file) === state) return true;
    const hash = createHash('sha256');
    try {
      for await (const chunk of createReadStream(this.path(file))) hash.update(chunk);
    } catch {
      return false;
    }
    if (hash.digest('base64url') !== file.sha256 || this.#stateOf(file) !== state) return false;
    this.#checked.set(file, state);
    return true;
  }

  async remove(file: CachedFile): Promise<void> {
    await rm(this.path(file), { force: true });
    // Fails while the folder has other files.
    await rmdir(join(this.#root, file.study)).catch(() => undefined);
  }

  async removeStudy(study: string): Promise<void> {
    if (hasFolder(study)) await rm(join(this.#root, study), { recursive: true, force: true });
  }

  /** The call is synchronous, because it takes some microseconds and a call of a thread would take longer than the rest of a request. */
  #stateOf(file: CachedFile): FileState | undefined {
    const found = statSync(this.path(file), { throwIfNoEntry: false, bigint: true });
    if (found === undefined || Number(found.size) !== file.length || !found.isFile()) return undefined;
    return `${found.ino} ${found.mtimeNs} ${found.ctimeNs}`;
  }

  /** Gives a complete file its name. */
  async #publish(partial: string, file: CachedFile): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      await mkdir(join(this.#root, file.study), { recursive: true, mode: FOLDER_MODE });
      try {
        return await rename(partial, this.path(file));
      } catch (error) {
        // The folder of the study may just have been deleted, because its last file was.
        if (attempt === PUBLISH_ATTEMPTS) throw error;
      }
    }
  }

  async #probe(path: string): Promise<void> {
    const handle = await open(path, 'wx', FILE_MODE);
    await handle.close();
    await rm(path, { force: true });
  }
}

function inOrderOfTime(found: readonly WrittenFile[]): CachedFile[] {
  return found.toSorted((one, other) => one.at - other.at).map(({ file }) => file);
}

async function onDisk<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw new CacheUnusable('The cache folder cannot be written.', { cause });
  }
}
