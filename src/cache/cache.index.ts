import type { CachedFile } from './cached.file.js';

/** Largest number of files in the cache. The gateway keeps the name of each file in memory. */
const MAX_FILES = 100_000;

/**
 * The names and sizes of the files in the cache, at most `maxBytes` bytes in total. The least recently used file is first. Methods that
 * remove files from the index return them, so that the caller deletes them from the disk.
 */
export class CacheIndex {
  readonly #files = new Map<string, CachedFile>();
  readonly #byStudy = new Map<string, Set<CachedFile>>();
  readonly #maxBytes: number;
  readonly #maxFiles: number;
  #bytes = 0;

  constructor(maxBytes: number, maxFiles: number = MAX_FILES) {
    this.#maxBytes = maxBytes;
    this.#maxFiles = maxFiles;
  }

  /** The total size of the files in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The file with this key. The file becomes the most recently used one. */
  use(key: string): CachedFile | undefined {
    const file = this.#files.get(key);
    if (file === undefined) return undefined;
    this.#files.delete(key);
    this.#files.set(key, file);
    return file;
  }

  /** Adds a file. Returns the files that it replaces or that exceed the limits, the least recently used ones first. */
  add(file: CachedFile): CachedFile[] {
    const replaced = this.#files.get(file.key);
    const removed = replaced === undefined ? [] : [this.remove(replaced)];
    this.#files.set(file.key, file);
    this.#bytes += file.length;
    const ofStudy = this.#byStudy.get(file.study) ?? new Set();
    this.#byStudy.set(file.study, ofStudy.add(file));
    for (const oldest of this.#files.values()) {
      if (this.#bytes <= this.#maxBytes && this.#files.size <= this.#maxFiles) break;
      removed.push(this.remove(oldest));
    }
    return removed;
  }

  /** Removes a file and returns it. */
  remove(file: CachedFile): CachedFile {
    if (this.#files.get(file.key) !== file) return file;
    this.#files.delete(file.key);
    this.#bytes -= file.length;
    const ofStudy = this.#byStudy.get(file.study);
    ofStudy?.delete(file);
    if (ofStudy?.size === 0) this.#byStudy.delete(file.study);
    return file;
  }

  /** Removes all files of a study. */
  removeStudy(study: string): void {
    for (const file of this.#byStudy.get(study) ?? []) this.remove(file);
  }

  /** The UIDs of the studies that have files. */
  studies(): string[] {
    return [...this.#byStudy.keys()];
  }
}
