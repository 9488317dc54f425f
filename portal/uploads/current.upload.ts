import { noteUpload } from '../frame/activity.store.ts';
import { type ChosenFile, fileSource, isZip } from './upload.source.ts';
import { countFiles, type UploadCounts, UploadRate } from './upload.counts.ts';
import { type Pause, UploadQueue } from './upload.queue.ts';
import type { UploadFile, UploadSource } from './upload.types.ts';
import { browserTransport } from './upload.transport.ts';
import { ZipClient } from './zip.client.ts';

/** What the page shows of the upload. A new object is made at most four times a second. */
export interface UploadView {
  readonly files: readonly UploadFile[];
  readonly counts: UploadCounts;
  readonly pause: Pause;
  /** Bytes of the current batch that have been sent. */
  readonly sentOfBatch: number;
  /** Bytes per second. 0 if it is not known. */
  readonly rate: number;
  /** Whether folders or archives are still being read. */
  readonly isReading: boolean;
}

const REDRAW_MS = 250;

/** The upload of this tab. It goes on while other pages are shown. */
class CurrentUpload {
  readonly #listeners = new Set<() => void>();
  #queue = new UploadQueue(browserTransport, () => this.#changed());
  #rate = new UploadRate();
  #zip = new ZipClient();
  #reading = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #view: UploadView = this.#look();

  constructor() {
    window.addEventListener('beforeunload', (event) => {
      if (this.#view.counts.left > 0) event.preventDefault();
    });
  }

  get view(): UploadView {
    return this.#view;
  }

  /** Calls `listener` after each change. Returns a function that ends this. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Adds the files that a person chose. ZIP archives are opened, and their files are added. */
  async add(chosen: readonly ChosenFile[] | Promise<readonly ChosenFile[]>): Promise<void> {
    this.#reading += 1;
    this.#changed();
    try {
      const plain: UploadSource[] = [];
      const archives: ChosenFile[] = [];
      for (const one of await chosen)
        if (isZip(one.file)) archives.push(one);
        else plain.push(fileSource(one.file, one.path));
      await this.#queue.add(plain);
      for (const { file, path } of archives)
        await this.#queue.add(
          // A damaged archive gets a line of its own with the reason.
          await this.#zip
            .sources(file, path)
            .catch(() => [{ ...fileSource(file, path), fault: 'archive' as const }]),
        );
    } finally {
      this.#reading -= 1;
      this.#changed();
    }
  }

  stop(): void {
    this.#queue.stop();
  }

  resume(): void {
    this.#queue.resume();
  }

  again(): void {
    this.#queue.again();
  }

  /** Forgets the files of an upload that is done. */
  clear(): void {
    if (this.#view.counts.left > 0) return;
    this.#queue = new UploadQueue(browserTransport, () => this.#changed());
    this.#rate = new UploadRate();
    this.#zip = new ZipClient();
    this.#changed();
  }

  #changed(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#view = this.#look();
      noteUpload(activityOf(this.#view));
      for (const listener of this.#listeners) listener();
    }, REDRAW_MS);
  }

  #look(): UploadView {
    const { files, pause, sentOfBatch } = this.#queue;
    const counts = countFiles(files);
    const rate = this.#rate.next(counts.doneBytes + sentOfBatch, Date.now());
    return { files: [...files], counts, pause, sentOfBatch, rate, isReading: this.#reading > 0 };
  }
}

/** The progress for the other pages. Undefined if nothing is left. */
function activityOf({ counts, pause, sentOfBatch, isReading }: UploadView) {
  if (counts.left === 0 && !isReading) return undefined;
  const done = Math.min(counts.doneBytes + sentOfBatch, counts.bytes);
  const percent = counts.bytes === 0 ? 0 : Math.floor((done / counts.bytes) * 100);
  return { percent, isWaiting: pause !== 'none' };
}

export const currentUpload = new CurrentUpload();
