import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { BEGINNING_BYTES, readBeginning } from '../../portal/uploads/part10.ts';
import { readStoreResponse } from '../../portal/uploads/store.response.ts';
import { nextBatch } from '../../portal/uploads/upload.batch.ts';
import { countFiles, UploadRate } from '../../portal/uploads/upload.counts.ts';
import { UploadQueue } from '../../portal/uploads/upload.queue.ts';
import type {
  BatchAnswer,
  UploadFile,
  UploadSource,
  UploadTransport,
} from '../../portal/uploads/upload.types.ts';
import { MediaDirectory } from '../../src/dicom/media/media.directory.js';
import { storeResponse } from '../../src/dicomweb/stow/stow.outcome.js';

const utf8 = (text: string) => new TextEncoder().encode(text);

describe('the beginning of a file', () => {
  it('has the SOP Instance UID', () => {
    const sopUid = freshUid();
    const file = makeInstance({ sopUid });
    expect(readBeginning(file.subarray(0, BEGINNING_BYTES))).toEqual({ kind: 'instance', sopUid });
  });

  it('of a DICOMDIR is told from an instance', () => {
    const directory = Buffer.concat(new MediaDirectory('1.2.3').pieces('2.25.1'));
    expect(readBeginning(directory)).toEqual({ kind: 'directory' });
  });

  it('in any form is read without an error', () => {
    const prefixed = fc
      .uint8Array({ maxLength: 300 })
      .map((bytes) => Buffer.concat([Buffer.alloc(128), Buffer.from('DICM\x02\0'), bytes]));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), prefixed), (bytes) => {
        expect(readBeginning(bytes).kind).toMatch(/^(instance|directory|not-dicom)$/);
      }),
    );
  });
});

const identity = (sopUid: string) => ({ sopUid, sopClassUid: '1.2' });

const stored = (sopUid: string) => ({
  stored: true as const,
  instance: { ...identity(sopUid), studyUid: '1', seriesUid: '2', patientId: '3' },
  warning: undefined,
});
const failed = (sopUid: string, reason: number) => ({
  stored: false as const,
  instance: sopUid === '' ? undefined : identity(sopUid),
  failure: { reason, comment: `comment ${reason}` },
});

describe('the answer to an upload', () => {
  it('gives each file its own result, as the gateway writes it', () => {
    const kinds = fc.constantFrom<'stored' | 'failed' | 'other'>('stored', 'failed', 'other');
    fc.assert(
      fc.property(fc.array(kinds, { maxLength: 20 }), (all) => {
        const uids = all.map((kind, at) => (kind === 'other' ? '' : `1.2.${at}`));
        const outcomes = uids.map((uid, at) => (all[at] === 'stored' ? stored(uid) : failed(uid, 1000 + at)));
        const response: unknown = JSON.parse(JSON.stringify(storeResponse(outcomes, 'https://a')));
        expect(readStoreResponse(response, uids)).toEqual(
          all.map((kind, at) =>
            kind === 'stored'
              ? { stored: true }
              : { stored: false, reason: 1000 + at, comment: `comment ${1000 + at}` },
          ),
        );
      }),
    );
  });

  it.each([[undefined], ['text'], [{ '00081199': { Value: 'x' } }], [[]]])(
    'in the form %j leaves the file open to another attempt',
    (response) =>
      expect(readStoreResponse(response, ['1.2'])).toEqual([{ stored: false, reason: 0x0110, comment: '' }]),
  );
});

function sourceOf(content: string, sopUid: string): UploadSource {
  const bytes = utf8(`${sopUid}|${content}`);
  return {
    name: sopUid,
    size: bytes.length,
    beginning: () => Promise.resolve(bytes),
    blob: () => Promise.resolve(new Blob([bytes])),
  };
}

/** An archive that sometimes does not answer, and sometimes stores what it does not answer. */
class UncertainArchive implements UploadTransport {
  readonly received: string[] = [];
  readonly stored = new Map<string, string>();
  readonly #faults: Iterator<string>;
  readonly #mayRead: boolean;

  constructor(faults: readonly string[], mayRead: boolean) {
    this.#faults = faults[Symbol.iterator]();
    this.#mayRead = mayRead;
  }

  read(bytes: Uint8Array) {
    const [sopUid = '', content] = new TextDecoder().decode(bytes).split('|');
    if (content === 'bad') return { kind: 'not-dicom' as const };
    return { kind: 'instance' as const, sopUid };
  }

  known(sopUids: readonly string[]): Promise<ReadonlySet<string> | undefined> {
    const known = this.#mayRead ? sopUids.filter((uid) => this.stored.has(uid)) : [];
    return Promise.resolve(this.#next() === 'away' ? undefined : new Set(known));
  }

  async send(blobs: readonly Blob[], sopUids: readonly string[]): Promise<BatchAnswer> {
    const fault = this.#next();
    if (fault === 'away') return { kind: 'later', seconds: undefined };
    if (fault === 'signed-out') return { kind: 'signed-out' };
    const contents = await Promise.all(blobs.map((blob) => blob.text()));
    const kept = fault === 'cut' ? contents.slice(0, Math.ceil(contents.length / 2)) : contents;
    const results = kept.map((content, at) => {
      const uid = sopUids[at] ?? '';
      const known = this.stored.get(uid);
      if (known !== undefined && known !== content)
        return { stored: false as const, reason: 0x0111, comment: 'other content' };
      if (known === undefined) this.received.push(uid);
      this.stored.set(uid, content);
      return { stored: true as const };
    });
    if (fault === 'cut' || fault === 'lost') return { kind: 'later', seconds: 0 };
    return { kind: 'answered', results };
  }

  wait = () => Promise.resolve();
  signedIn = () => Promise.resolve();

  #next(): string {
    const { done, value } = this.#faults.next();
    return done === true ? 'none' : value;
  }
}

describe('an upload', () => {
  const contents = fc.array(fc.tuple(fc.nat(12), fc.constantFrom('a', 'b', 'bad')), { maxLength: 30 });
  const faults = fc.array(fc.constantFrom('none', 'away', 'cut', 'lost', 'signed-out'), { maxLength: 12 });

  it('loses no file and stores none twice, whatever the network and the archive do', () =>
    fc.assert(
      fc.asyncProperty(contents, faults, fc.boolean(), async (chosen, withFaults, mayRead) => {
        const archive = new UncertainArchive(withFaults, mayRead);
        const queue = new UploadQueue(archive, () => undefined);
        await queue.add(chosen.map(([uid, content]) => sourceOf(content, `1.${uid}`)));
        await doneWith(queue);
        expect(countFiles(queue.files).left).toBe(0);
        for (const { sopUid, source, state } of queue.files) {
          const content = await (await source.blob()).text();
          if (state.at === 'stored') expect(archive.stored.get(sopUid)).toBe(content);
          if (state.at === 'present' || state.at === 'twice')
            expect(archive.stored.has(source.name)).toBe(true);
          if (state.at === 'failed') expect(['not-dicom', 0x0111]).toContain(state.why);
          if (content.endsWith('|bad')) expect(state.at).toBe('failed');
        }
        expect(archive.received).toHaveLength(new Set(archive.received).size);
      }),
    ));

  it('that is paused sends nothing, and goes on where it was', async () => {
    const archive = new UncertainArchive([], true);
    const queue = new UploadQueue(archive, () => undefined);
    queue.stop();
    await queue.add([sourceOf('a', '1.1'), sourceOf('a', '1.2')]);
    await doneWith(queue);
    expect([archive.received, countFiles(queue.files).left]).toEqual([[], 2]);
    queue.resume();
    await doneWith(queue);
    expect([archive.received, countFiles(queue.files).stored]).toEqual([['1.1', '1.2'], 2]);
  });

  it('names a file that the computer cannot read any more, and sends the others', async () => {
    const queue = new UploadQueue(new UncertainArchive([], true), () => undefined);
    const gone = { ...sourceOf('a', '1.1'), blob: () => Promise.reject(new Error('gone')) };
    await queue.add([gone, sourceOf('a', '1.2'), { ...sourceOf('a', '1.3'), fault: 'encrypted' }]);
    await doneWith(queue);
    expect(queue.files.map(({ state }) => ('why' in state ? state.why : state.at))).toEqual([
      'unreadable',
      'stored',
      'encrypted',
    ]);
  });

  it('has batches of at most a hundred files and 32 MB, without two files of one UID', () => {
    const file = fc.record({
      sopUid: fc.nat(200).map(String),
      size: fc.constantFrom(1, 1_000_000, 20_000_000, 90_000_000),
    });
    fc.assert(
      fc.property(fc.array(file, { minLength: 1, maxLength: 300 }), (all) => {
        const files = all.map(({ sopUid, size }, id): UploadFile => {
          const source = { ...sourceOf('a', sopUid), size };
          return { id, sopUid, source, state: { at: 'waiting' }, wasSent: false };
        });
        const batch = nextBatch(files);
        expect(batch[0]).toBe(files[0]);
        expect(new Set(batch.map(({ sopUid }) => sopUid)).size).toBe(batch.length);
        expect(batch.length).toBeLessThanOrEqual(100);
        const bytes = batch.reduce((sum, { source }) => sum + source.size, 0);
        if (batch.length > 1) expect(bytes).toBeLessThanOrEqual(32 * 1024 * 1024);
      }),
    );
  });

  it('has the rate of the last seconds, and forgets it when the computer slept', () => {
    const rate = new UploadRate();
    const rates = [0, 1, 2, 3].map((second) => rate.next(second * 1000, second * 1000));
    expect(rates).toEqual([0, 1000, 1000, 1000]);
    expect(rate.next(4000, 3_600_000)).toBe(0);
    expect(rate.next(9000, 3_601_000)).toBe(5000);
  });
});

async function doneWith(queue: UploadQueue): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await queue.idle.then(() => new Promise(setImmediate));
}
