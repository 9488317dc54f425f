import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NeighbourAway, NotAcceptable, NotVisible, Problem, UpstreamFailed } from '../../problems/errors.js';
import { filePart } from './file.part.js';
import { type Fragment, readFragments } from '../../dicom/fragments.js';
import { frameRuns } from '../../dicom/frame.runs.js';
import { DicomUnreadable } from '../../dicom/dicom.unreadable.js';
import { Retrieval } from './retrieval.service.js';
import { videoType } from '../../dicom/transfer.syntaxes.js';

/** Instances whose boundaries are kept, the last used ones, and fragments of all of them together. */
const INSTANCES_KEPT = 200;
const FRAGMENTS_KEPT = 200_000;
const NO_BOUNDARIES =
  'The stored pixel data does not tell where its frames begin and end; ask for the instance as application/dicom.';

/** One frame in the file: its fragments, which lie one after the other with an item header between two. */
interface FramePlace {
  readonly fragments: readonly Fragment[];
  readonly length: number;
}

/** The frames of an instance, and how many fragments they are, 0 until that is known. */
interface Kept {
  fragments: number;
  readonly places: Promise<readonly FramePlace[]>;
}

/** Frames of encapsulated pixel data as they are stored, out of the file itself: the archive divides some objects wrongly and others not at all. */
@Injectable()
export class StoredFrames {
  /** In the order of their last use. */
  private readonly kept = new Map<string, Kept>();

  constructor(
    private readonly retrieval: Retrieval,
    private readonly bytes: OrthancBytes,
  ) {}

  /**
   * One frame, counted from 1; of a video, or where there is one frame, all fragments. `size`: about how many bytes it may be. Throws
   * `NotAcceptable` when the boundaries of the frames cannot be known.
   */
  async frame(instance: FoundInstance, number: number, size: number | undefined): Promise<ArchiveBytes> {
    if (!isWhole(instance)) return this.read(instance, number);
    try {
      const call = () => this.bytes.frame(instance.orthancId, number, size, instance);
      return await this.retrieval.fromArchive(instance, call);
    } catch (error) {
      if (!(error instanceof UpstreamFailed)) throw error;
      return this.read(instance, number);
    }
  }

  private async read(instance: FoundInstance, number: number): Promise<ArchiveBytes> {
    const place = (await this.placesOf(instance))[number - 1];
    const [first] = place?.fragments ?? [];
    const last = place?.fragments.at(-1);
    if (place === undefined || first === undefined || last === undefined) throw new NotVisible();
    const range = { first: first.at, last: last.at + last.length - 1 };
    const call = () => filePart(this.bytes, instance, range);
    return withoutHeaders(await this.retrieval.fromArchive(instance, call), place);
  }

  private placesOf(instance: FoundInstance): Promise<readonly FramePlace[]> {
    const key = `${instance.orthancId} ${instance.storedAt.getTime()}`;
    const held = this.kept.get(key) ?? { fragments: 0, places: this.learn(instance) };
    this.kept.delete(key);
    this.kept.set(key, held);
    void this.noteSize(key, held);
    return held.places;
  }

  /** A failure is met by whoever asked, and is not kept. */
  private async noteSize(key: string, held: Kept): Promise<void> {
    try {
      const places = await held.places;
      held.fragments = places.reduce((sum, { fragments }) => sum + fragments.length, 0);
      this.forgetOldest();
    } catch {
      this.kept.delete(key);
    }
  }

  private forgetOldest(): void {
    let fragments = [...this.kept.values()].reduce((sum, held) => sum + held.fragments, 0);
    for (const [key, held] of this.kept) {
      if (this.kept.size <= INSTANCES_KEPT && fragments <= FRAGMENTS_KEPT) return;
      this.kept.delete(key);
      fragments -= held.fragments;
    }
  }

  private async learn(instance: FoundInstance): Promise<readonly FramePlace[]> {
    // Others may wait for the same places: they are learned even when the first one leaves.
    const { stream } = await this.retrieval.storedFile({ ...instance, signal: undefined });
    try {
      const fragments = await readFragments(stream);
      const runs = frameRuns(fragments, isWhole(instance) ? 1 : instance.frames);
      if (runs === undefined) throw new NotAcceptable('not-decodable', NO_BOUNDARIES);
      return runs.map(({ from, to, length }) => {
        const own = fragments.all.slice(from, to);
        return { fragments: own, length: length ?? own.reduce((sum, one) => sum + one.length, 0) };
      });
    } catch (error) {
      if (error instanceof DicomUnreadable) throw new NotAcceptable('not-decodable', NO_BOUNDARIES);
      throw error instanceof Problem ? error : new NeighbourAway('orthanc', { cause: error });
    } finally {
      stream.on('error', () => undefined).destroy();
    }
  }
}

function isWhole({ transferSyntax, frames }: FoundInstance): boolean {
  return frames <= 1 || videoType(transferSyntax) !== undefined;
}

/** The bytes of fragments alone, of a part of the file from the first one to the last. */
function withoutHeaders({ stream }: ArchiveBytes, place: FramePlace): ArchiveBytes {
  const bytes = Readable.from(fragmentBytes(stream, place), { objectMode: false });
  bytes.once('close', () => stream.on('error', () => undefined).destroy());
  return { length: place.length, stream: bytes };
}

async function* fragmentBytes(source: Readable, { fragments, length }: FramePlace): AsyncGenerator<Buffer> {
  const start = fragments[0]?.at ?? 0;
  let [index, at, left] = [0, start, length];
  for await (const chunk of source) {
    if (!Buffer.isBuffer(chunk)) throw new UpstreamFailed('bytes');
    for (let fragment = fragments[index]; fragment !== undefined; fragment = fragments[index]) {
      const from = fragment.at - at;
      const to = from + fragment.length;
      const piece = chunk.subarray(Math.max(from, 0), Math.max(to, 0)).subarray(0, left);
      left -= piece.length;
      if (piece.length > 0) yield piece;
      // The rest of it comes with the next bytes.
      if (to > chunk.length) break;
      index += 1;
    }
    if (left === 0) return;
    at += chunk.length;
  }
  throw new UpstreamFailed('a transfer cut short');
}
