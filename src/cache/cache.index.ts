import { type CachedFile, pathOf } from './cached.file.js';

/** Largest number of files in the cache. The gateway keeps the name of each file in memory. */
const MAX_FILES = 100_000;

/** The largest share of the limits for files that were made in advance and that no client has asked for yet. */
const UNUSED_SHARE = 0.5;

/**
 * The names and sizes of the files in the cache, at most `maxBytes` bytes in total. The least recently used file is first. Files that were
 * made in advance take at most half of the limits until they are used, so that they cannot displace all other files. Methods that remove
 * files from the index return them, so that the caller deletes them from the disk.
 */
export class CacheIndex {
  readonly #files = new Map<string, CachedFile>();
  readonly #byStudy = new Map<string, Set<CachedFile>>();
  readonly #maxBytes: number;
  readonly #maxFiles: number;
  /** The files that were made in advance and never used, the oldest first. */
  readonly #unused = new Set<CachedFile>();
  #unusedBytes = 0;
  #bytes = 0;

  constructor(maxBytes: number, maxFiles: number = MAX_FILES) {
    this.#maxBytes = maxBytes;
    this.#maxFiles = maxFiles;
  }

  /** The total size of the files in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether there is a file with this key. The file is not used. */
  has(key: string): boolean {
    return this.#files.has(key);
  }

  /** The file with this key. The file becomes the most recently used one. */
  use(key: string): CachedFile | undefined {
    const file = this.#files.get(key);
    if (file === undefined) return undefined;
    this.#files.delete(key);
    this.#files.set(key, file);
    this.#markUsed(file);
    return file;
  }

  /**
   * Adds a file. Returns the files that it replaces or that exceed the limits, the least recently used ones first. `isAhead`: the file was
   * made in advance.
   */
  add(file: CachedFile, isAhead = false): CachedFile[] {
    const replaced = this.#files.get(file.key);
    const removed = replaced === undefined ? [] : [this.remove(replaced)];
    this.#files.set(file.key, file);
    this.#bytes += file.length;
    const ofStudy = this.#byStudy.get(file.study) ?? new Set();
    this.#byStudy.set(file.study, ofStudy.add(file));
    if (isAhead) {
      this.#unused.add(file);
      this.#unusedBytes += file.length;
    }
    for (const oldest of this.#unused) {
      const isWithin = this.#unusedBytes <= this.#maxBytes * UNUSED_SHARE;
      if (isWithin && this.#unused.size <= this.#maxFiles * UNUSED_SHARE) break;
      removed.push(this.remove(oldest));
    }
    for (const oldest of this.#files.values()) {
      if (this.#bytes <= this.#maxBytes && this.#files.size <= this.#maxFiles) break;
      removed.push(this.remove(oldest));
    }
    return removed;
  }

  /** Removes a file and returns it. Another file with the same key stays in the index. */
  remove(file: CachedFile): CachedFile {
    const held = this.#files.get(file.key);
    if (held === undefined || pathOf(held) !== pathOf(file)) return file;
    this.#files.delete(held.key);
    this.#markUsed(held);
    this.#bytes -= held.length;
    const ofStudy = this.#byStudy.get(held.study);
    ofStudy?.delete(held);
    if (ofStudy?.size === 0) this.#byStudy.delete(held.study);
    return held;
  }

  /** Removes all files of a study. */
  removeStudy(study: string): void {
    for (const file of this.#byStudy.get(study) ?? []) this.remove(file);
  }

  /** The UIDs of the studies that have files. */
  studies(): string[] {
    return [...this.#byStudy.keys()];
  }

  #markUsed(file: CachedFile): void {
    if (this.#unused.delete(file)) this.#unusedBytes -= file.length;
  }
}
