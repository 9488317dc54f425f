import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileCache } from '../../cache/file.cache.js';
import { BackgroundLookup } from '../../catalog/background.lookup.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { StudyUid } from '../../dicom/uids.js';
import { noteHandled } from '../../problems/handled.errors.js';
import { BackgroundPace } from './background.pace.js';
import { OpenedStudies } from './opened.studies.js';
import { type QueuedStudy, StudyQueue } from './study.queue.js';
import { SeriesBodies } from './series.bodies.js';
import { WaitingRequests } from './waiting.requests.js';

/** A study is complete when it has not changed for this time in milliseconds. */
const QUIET_MS = 3_000;
/** Largest number of studies that wait. */
const MAX_STUDIES = 1_000;
/** At the start, the studies of the newest instances are looked at, because they may have arrived before the last stop. */
const NEWEST_INSTANCES = 10_000;
const LOOK_MS = 500;
/** A study is tried so many times, and dropped after that. */
const ATTEMPTS = 5;
/** After an error, the work pauses for this time in milliseconds. */
const PAUSE_MS = 5_000;

/**
 * Makes the bodies of studies before a client asks for them: metadata, thumbnails and frames. One study at a time is made: first those that
 * clients have opened, then new ones, the newest first. Nothing leaves the gateway, so nothing is recorded in the audit. The cache is the only state: a restart looks at the newest studies
 * again and makes what is missing.
 */
@Injectable()
export class BodiesAhead implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly queue = new StudyQueue(QUIET_MS, MAX_STUDIES);
  private readonly stopping = new AbortController();
  private readonly pace: BackgroundPace;
  /** How many times in succession a study has failed. */
  private readonly failed = new Map<string, number>();
  private work: Promise<void> = Promise.resolve();

  constructor(
    @Inject(ENV) private readonly env: Pick<Env, 'CACHE_BYTES' | 'CACHE_AHEAD_PERCENT'>,
    private readonly cache: FileCache,
    private readonly lookup: BackgroundLookup,
    private readonly bodies: SeriesBodies,
    private readonly opened: OpenedStudies,
    requests: WaitingRequests,
  ) {
    this.pace = new BackgroundPace(env.CACHE_AHEAD_PERCENT, () => requests.count > 0);
  }

  onApplicationBootstrap(): void {
    if (this.env.CACHE_BYTES === 0 || this.env.CACHE_AHEAD_PERCENT === 0) return;
    this.lookup.onStudyChange((study) => this.queue.noteChange(study, performance.now()));
    this.opened.on((study, series) => this.queue.noteAsked(study, series, performance.now()));
    this.work = this.run(this.stopping.signal).catch((error: unknown) => {
      if (!this.stopping.signal.aborted) noteHandled('bodies made in advance', error);
    });
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.work;
  }

  private async run(signal: AbortSignal): Promise<void> {
    await this.noteNewest();
    for (;;) {
      await sleep(LOOK_MS, undefined, { signal, ref: false });
      const next = this.cache.largest === 0 ? undefined : this.queue.take(performance.now());
      if (next === undefined) continue;
      try {
        await this.make(next, signal);
        this.failed.delete(next.study);
      } catch (error) {
        signal.throwIfAborted();
        noteHandled('bodies made in advance', error);
        this.retry(next.study);
        await sleep(PAUSE_MS, undefined, { signal, ref: false });
      }
    }
  }

  private retry(study: string): void {
    const failed = (this.failed.get(study) ?? 0) + 1;
    this.failed.delete(study);
    if (failed >= ATTEMPTS) return;
    this.failed.set(study, failed);
    this.queue.noteChange(study, performance.now());
  }

  private async noteNewest(): Promise<void> {
    try {
      for (const study of await this.lookup.studiesOfNewest(NEWEST_INSTANCES))
        this.queue.noteChange(study, performance.now());
    } catch (error) {
      noteHandled('bodies made in advance', error);
    }
  }

  private async make({ study: studyUid, series, isAsked }: QueuedStudy, signal: AbortSignal): Promise<void> {
    const uid = StudyUid.safeParse(studyUid);
    if (!uid.success) return;
    const release = await this.cache.claim(studyUid);
    if (release === undefined) return this.queue.noteChange(studyUid, performance.now());
    try {
      const study = await this.lookup.study(uid.data, signal);
      if (study === undefined) return;
      for await (const step of this.bodies.stepsOf(study, series, signal)) {
        await this.pace.step(step, signal);
        // A study that has changed is made again when it is complete.
        if (this.queue.hasChanged(studyUid)) return;
        if (this.queue.isAsked && !isAsked) return this.queue.noteChange(studyUid, performance.now());
      }
    } finally {
      await release();
    }
  }
}
