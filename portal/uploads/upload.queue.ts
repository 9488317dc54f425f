import { hasEqual } from './equal.files.ts';
import { nextBatch } from './upload.batch.ts';
import {
  type BatchAnswer,
  type FileFault,
  type FileState,
  maySucceed,
  type UploadFile,
  type UploadSource,
  type UploadTransport,
} from './upload.types.ts';

/** Why the queue does not send now. */
export type Pause = 'none' | 'paused' | 'away' | 'signed-out';

const FIRST_WAIT_S = 2;
const LONGEST_WAIT_S = 30;

/** Sends chosen files in batches, one after the other. Files are added at any time. The state is read by `files` and `pause`. */
export class UploadQueue {
  readonly files: UploadFile[] = [];
  pause: Pause = 'none';
  /** Bytes of the current batch that have been sent. */
  sentOfBatch = 0;
  readonly #transport: UploadTransport;
  readonly #changed: () => void;
  readonly #seen = new Map<string, UploadFile[]>();
  #running: AbortController | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(transport: UploadTransport, changed: () => void) {
    this.#transport = transport;
    this.#changed = changed;
  }

  /** Adds files, checks their beginnings and starts to send. Resolves when the added files have been checked. */
  async add(sources: readonly UploadSource[]): Promise<void> {
    const added = sources.map((source, index): UploadFile => {
      const id = this.files.length + index;
      return { id, source, sopUid: '', state: { at: 'checking' }, wasSent: false };
    });
    for (const file of added) this.files.push(file);
    this.#changed();
    for (const file of added) {
      await this.#check(file);
      this.#start();
    }
  }

  /** Stops sending. The current batch is interrupted, and sent again later. */
  stop(): void {
    this.pause = 'paused';
    this.#running?.abort();
    this.#changed();
  }

  resume(): void {
    this.pause = 'none';
    this.#start();
    this.#changed();
  }

  /** Sends failed files again, if another attempt can succeed. */
  again(): void {
    for (const file of this.files) if (maySucceed(file)) this.#set(file.id, { at: 'waiting' });
    this.resume();
  }

  /** Resolves when the queue does not send any more. */
  get idle(): Promise<void> {
    return this.#work;
  }

  async #check(file: UploadFile): Promise<void> {
    const { id, source } = file;
    if (source.fault !== undefined) return this.#fail(id, source.fault);
    if (source.size === 0) return this.#fail(id, 'empty');
    try {
      const beginning = this.#transport.read(await source.beginning());
      if (beginning.kind === 'not-dicom') return this.#fail(id, 'not-dicom');
      if (beginning.kind === 'directory') return this.#set(id, { at: 'skipped' });
      const { sopUid } = beginning;
      const same = this.#seen.get(sopUid) ?? [];
      if (sopUid !== '' && (await hasEqual(file, same))) return this.#set(id, { at: 'twice' });
      const checked: UploadFile = { ...file, sopUid, state: { at: 'waiting' } };
      this.files[id] = checked;
      this.#seen.set(sopUid, [...same, checked]);
      this.#changed();
    } catch {
      this.#fail(id, 'unreadable');
    }
  }

  #start(): void {
    if (this.#running !== undefined || this.pause === 'paused') return;
    const running = new AbortController();
    this.#running = running;
    this.#work = this.#run(running.signal).finally(() => {
      this.#running = undefined;
      // Files that were added while the last batch ended.
      if (this.pause !== 'paused' && nextBatch(this.files).length > 0) this.#start();
      this.#changed();
    });
  }

  async #run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    for (let batch = nextBatch(this.files); batch.length > 0 && !signal.aborted;) {
      const answer = await this.#sendBatch(batch, signal);
      this.sentOfBatch = 0;
      failures = answer.kind === 'later' ? failures + 1 : 0;
      if (answer.kind === 'signed-out') {
        this.#pauseFor('signed-out');
        await this.#transport.signedIn(signal);
      } else if (answer.kind === 'later') {
        this.#pauseFor('away');
        const backoff = Math.min(FIRST_WAIT_S * 2 ** (failures - 1), LONGEST_WAIT_S);
        await this.#transport.wait(Math.max(answer.seconds ?? 0, backoff), signal);
      }
      if (!signal.aborted) this.#pauseFor('none');
      batch = nextBatch(this.files);
    }
  }

  async #sendBatch(batch: readonly UploadFile[], signal: AbortSignal): Promise<BatchAnswer> {
    for (const { id } of batch) this.#set(id, { at: 'sending' });
    const answer = await this.#sendUnknown(batch, signal).catch((): BatchAnswer => ({
      kind: 'later',
      seconds: undefined,
    }));
    // Files without an answer wait again.
    for (const { id } of batch) {
      const file = this.files[id];
      if (file?.state.at === 'sending') this.files[id] = { ...file, state: { at: 'waiting' } };
    }
    this.#changed();
    return answer;
  }

  /** Sends the files of a batch that the archive does not have. */
  async #sendUnknown(batch: readonly UploadFile[], signal: AbortSignal): Promise<BatchAnswer> {
    const uids = batch.map(({ sopUid }) => sopUid).filter((uid) => uid !== '');
    const known = await this.#transport.known(uids, signal);
    if (known === undefined) return { kind: signal.aborted ? 'aborted' : 'later', seconds: undefined };
    const sent: { readonly file: UploadFile; readonly blob: Blob }[] = [];
    for (const file of batch) {
      // Of several files with one UID, only the gateway knows which one the archive has.
      const isAlone = this.#seen.get(file.sopUid)?.length === 1;
      if (isAlone && known.has(file.sopUid)) this.#set(file.id, { at: file.wasSent ? 'stored' : 'present' });
      else {
        const blob = await file.source.blob().catch(() => undefined);
        if (blob === undefined) this.#fail(file.id, 'unreadable');
        else sent.push({ file, blob });
      }
    }
    for (const { file } of sent) this.files[file.id] = { ...file, state: { at: 'sending' }, wasSent: true };
    if (sent.length === 0) return { kind: 'answered', results: [] };
    const answer = await this.#transport.send(
      sent.map(({ blob }) => blob),
      sent.map(({ file }) => file.sopUid),
      signal,
      (bytes) => {
        this.sentOfBatch = bytes;
        this.#changed();
      },
    );
    sent.forEach(({ file: { id } }, index) => {
      if (answer.kind === 'refused') this.#fail(id, 'refused', answer.comment);
      if (answer.kind !== 'answered') return;
      const result = answer.results[index];
      if (result?.stored === true) this.#set(id, { at: 'stored' });
      else if (result !== undefined) this.#fail(id, result.reason, result.comment);
    });
    return answer;
  }

  #pauseFor(pause: Pause): void {
    if (this.pause === 'paused') return;
    this.pause = pause;
    this.#changed();
  }

  #fail(id: number, why: FileFault, comment = ''): void {
    this.#set(id, { at: 'failed', why, comment });
  }

  #set(id: number, state: FileState): void {
    const file = this.files[id];
    if (file === undefined) return;
    this.files[id] = { ...file, state };
    this.#changed();
  }
}
