import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { Changes } from '../database/changes.js';
import { CoalescedWork } from '../pixels/coalesced.work.js';
import { noteHandled } from '../problems/handled.errors.js';
import { BodyTooLong, CacheFolder, CacheUnusable } from './cache.folder.js';
import { CacheIndex } from './cache.index.js';
import { type CachedFile, type CacheKey, hasFolder, hashOfKey, pathOf } from './cached.file.js';
import { OutdatedFiles } from './outdated.files.js';

/** After an error of the disk, nothing is written for this time. */
const PAUSE_MS = 10_000;
/** A body longer than this share of the cache is not cached. */
const LARGEST_SHARE = 1 / 16;
/** A longer body would make the client wait too long for its first byte. */
const LARGEST_BYTES = 64 * 1024 * 1024;
/** A folder that cannot be used at the start is tried again after this time. */
const RETRY_MS = 10_000;
/** The folder of a study is read again after this time at the earliest, to find files of other processes. */
const LOOK_MS = 1_000;
const MAX_LOOKS = 10_000;

/** A body to write into the cache. `payload` is called when the stream has ended: see {@link CachedFile}. */
export interface MadeBody {
  readonly stream: Readable;
  readonly payload: () => number;
}

/** What was known about the folder of a study when it was last read. */
interface Look {
  readonly at: number;
  readonly state: string;
}

/** A body that is being made. `isStale`: the content of the study has changed since the work began. */
interface Making {
  readonly study: string;
  isStale: boolean;
}

/**
 * Finished response bodies as files in CACHE_DIR. Callers check the permission first. Each method may return `undefined`, and the caller then
 * answers without the cache.
 */
@Injectable()
export class FileCache implements OnApplicationBootstrap {
  private readonly root: string;
  private readonly folder: CacheFolder;
  private readonly index: CacheIndex;
  private readonly equal = new CoalescedWork<CachedFile | undefined>();
  private readonly making = new Set<Making>();
  private readonly looks = new Map<string, Look>();
  private readonly logger = new Logger('cache');
  private isReady = false;
  private pausedUntil = 0;

  constructor(
    @Inject(ENV) private readonly env: Pick<Env, 'CACHE_BYTES' | 'CACHE_DIR' | 'DATA_DIR'>,
    private readonly outdated: OutdatedFiles,
    private readonly changes: Changes,
  ) {
    this.root = resolve(env.CACHE_DIR ?? join(env.DATA_DIR, 'cache'));
    this.folder = new CacheFolder(this.root);
    this.index = new CacheIndex(env.CACHE_BYTES);
  }

  onApplicationBootstrap(): void {
    if (this.env.CACHE_BYTES === 0) return;
    this.changes.on((change) => {
      if (change.of === 'study' && change.kind === 'replaced') this.removeStudy(change.studyUid);
      if (change.of === 'everything' && change.reason === 'missed') void this.removeOutdated();
    });
    void this.start();
  }

  /** The largest body that is cached, in bytes. 0 if nothing can be written now. */
  get largest(): number {
    const isOpen = this.isReady && performance.now() >= this.pausedUntil;
    return isOpen ? Math.min(Math.floor(this.env.CACHE_BYTES * LARGEST_SHARE), LARGEST_BYTES) : 0;
  }

  /** The absolute path of a file, and its path in the cache folder. */
  pathsOf(file: CachedFile): { readonly absolute: string; readonly relative: string } {
    return { absolute: this.folder.path(file), relative: pathOf(file) };
  }

  /** Whether a body with this key was made. The body is not used, and its checksum is not compared. */
  holds(key: CacheKey): boolean {
    return this.index.has(hashOfKey(key));
  }

  /**
   * Claims a study, so that only one of the gateways that share CACHE_DIR makes bodies of the study in advance. Returns a function that ends
   * the claim, or `undefined` if another gateway has the claim or the cache cannot be used.
   */
  async claim(study: string): Promise<(() => Promise<void>) | undefined> {
    if (this.largest === 0) return undefined;
    const release = await this.folder.claim(study);
    if (release !== undefined) await this.adopt(study);
    return release;
  }

  /** Returns the file with this key if it exists and is not damaged. A damaged file is deleted. */
  async find(key: CacheKey): Promise<CachedFile | undefined> {
    const file = this.index.use(hashOfKey(key));
    if (file === undefined || (await this.folder.isIntact(file))) return file;
    this.logger.warn({ event: 'a damaged or missing file was removed from the cache' });
    this.discard([this.index.remove(file)]);
    return undefined;
  }

  /**
   * Returns the file with this key. If there is none, writes the body that `make` returns. Equal concurrent calls share one run of `make`, which
   * stops when the signals of all callers have aborted. `boundary` is for a multipart body. Errors of `make` are thrown unchanged.
   * `isAhead`: no client has asked for the body yet.
   */
  async provide(
    key: CacheKey,
    make: (boundary: string, stop: AbortSignal) => Promise<MadeBody>,
    signal: AbortSignal,
    isAhead = false,
  ): Promise<CachedFile | undefined> {
    if (this.largest === 0 || !hasFolder(key.study)) return undefined;
    const known = await this.find(key);
    if (known !== undefined) return known;
    await this.adopt(key.study);
    const adopted = await this.find(key);
    if (adopted !== undefined) return adopted;
    const hash = hashOfKey(key);
    return this.equal.run(hash, (stop) => this.make(hash, key.study, make, stop, isAhead), signal);
  }

  /** Adds the files of a study that another gateway with the same folder has made. */
  private async adopt(study: string): Promise<void> {
    const state = this.folder.stateOfStudy(study);
    const [now, last] = [performance.now(), this.looks.get(study)];
    if (state === undefined || last?.state === state || now - (last?.at ?? -Infinity) < LOOK_MS) return;
    if (this.looks.size >= MAX_LOOKS) this.looks.clear();
    this.looks.set(study, { at: now, state });
    for (const file of await this.folder.listStudy(study))
      if (!this.index.has(file.key)) this.discard(this.index.add(file));
  }

  private async make(
    key: string,
    study: string,
    make: (boundary: string, stop: AbortSignal) => Promise<MadeBody>,
    stop: AbortSignal,
    isAhead: boolean,
  ): Promise<CachedFile | undefined> {
    const making: Making = { study, isStale: false };
    this.making.add(making);
    try {
      const boundary = randomBytes(16).toString('hex');
      const { stream, payload } = await make(boundary, stop);
      stop.addEventListener('abort', () => stream.on('error', () => undefined).destroy(), { once: true });
      const file = await this.folder.write(stream, this.largest, (written) => ({
        study,
        key,
        boundary,
        payload: payload(),
        ...written,
      }));
      this.discard(making.isStale ? [file] : this.index.add(file, isAhead));
      return making.isStale ? undefined : file;
    } catch (error) {
      if (error instanceof BodyTooLong) return undefined;
      if (!(error instanceof CacheUnusable)) throw error;
      this.pausedUntil = performance.now() + PAUSE_MS;
      noteHandled('cache', error);
      return undefined;
    } finally {
      this.making.delete(making);
    }
  }

  private async start(isFirst = true): Promise<void> {
    try {
      await this.folder.prepare();
      for (const file of await this.folder.list()) this.discard(this.index.add(file));
      this.isReady = true;
      if (!isFirst) this.logger.log('CACHE_DIR can be used again');
    } catch (error) {
      noteHandled('cache', error);
      if (isFirst)
        this.logger.warn(
          'CACHE_DIR cannot be read or written: the gateway works without its cache until it can',
        );
      setTimeout(() => void this.start(false), RETRY_MS).unref();
      return;
    }
    await this.removeOutdated();
  }

  /** Deletes the files that became outdated while this gateway could not be notified. */
  private async removeOutdated(): Promise<void> {
    try {
      for await (const { study, before } of this.outdated.among(this.index.studies())) {
        if (before === Infinity) this.removeStudy(study);
        else {
          this.markStale(study);
          for (const file of await this.folder.listStudy(study, before))
            this.discard([this.index.remove(file)]);
        }
      }
    } catch (error) {
      noteHandled('cache', error);
    }
  }

  private removeStudy(study: string): void {
    this.markStale(study);
    this.index.removeStudy(study);
    this.folder.removeStudy(study).catch((error: unknown) => noteHandled('cache', error));
  }

  private markStale(study: string): void {
    for (const one of this.making) if (one.study === study) one.isStale = true;
  }

  private discard(files: readonly CachedFile[]): void {
    for (const file of files) this.folder.remove(file).catch((error: unknown) => noteHandled('cache', error));
  }
}
