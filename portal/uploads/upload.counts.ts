import type { UploadFile } from './upload.types.ts';

/** The counts of an upload: the files that are stored, already in the archive, failed, and left. */
export type CountName = 'stored' | 'present' | 'failed' | 'left';

/** The numbers of files, and bytes. `doneBytes`: the bytes of files that need no further work. */
export interface UploadCounts extends Readonly<Record<CountName, number>> {
  readonly bytes: number;
  readonly doneBytes: number;
}

/** Returns to which count a file belongs. */
export function countNameOf({ state }: Pick<UploadFile, 'state'>): CountName {
  switch (state.at) {
    case 'stored':
    case 'failed':
      return state.at;
    case 'present':
    case 'twice':
    case 'skipped':
      return 'present';
    case 'checking':
    case 'waiting':
    case 'sending':
      return 'left';
  }
}

/** Counts the files of an upload. */
export function countFiles(files: readonly UploadFile[]): UploadCounts {
  const counts = { stored: 0, present: 0, failed: 0, left: 0, bytes: 0, doneBytes: 0 };
  for (const file of files) {
    const name = countNameOf(file);
    counts[name] += 1;
    counts.bytes += file.source.size;
    if (name !== 'left') counts.doneBytes += file.source.size;
  }
  return counts;
}

/** The rate of the last seconds. A rate over the whole time would hide that the network has become slower. */
export class UploadRate {
  readonly #samples: { readonly at: number; readonly bytes: number }[] = [];

  /** Notes that `bytes` were done at the time `at` in ms, and returns the rate in bytes per second. 0 if it is not known yet. */
  next(bytes: number, at: number): number {
    const last = this.#samples.at(-1);
    // After a sleep of the computer, the earlier samples say nothing.
    if (last !== undefined && (at - last.at > GAP_MS || bytes < last.bytes)) this.#samples.length = 0;
    this.#samples.push({ at, bytes });
    while ((this.#samples[1]?.at ?? at) < at - WINDOW_MS) this.#samples.shift();
    const [first] = this.#samples;
    const ms = at - (first?.at ?? at);
    return ms < 500 ? 0 : ((bytes - (first?.bytes ?? bytes)) * 1000) / ms;
  }
}

const WINDOW_MS = 8000;
const GAP_MS = 5000;
