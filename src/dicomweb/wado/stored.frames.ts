import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NeighbourAway, NotAcceptable, NotVisible, Problem, UpstreamFailed } from '../../problems/errors.js';
import { ArchiveFetch } from './archive.fetch.js';
import { filePart } from './file.part.js';
import { InstanceFiles } from './instance.files.js';
import { type Fragment, readFragments } from '../../dicom/fragments.js';
import { frameRuns } from '../../dicom/frame.runs.js';
import { DicomUnreadable } from '../../dicom/dicom.unreadable.js';
import { videoType } from '../../dicom/transfer.syntaxes.js';

/** Largest number of instances in the cache, and largest total number of fragments of these instances. */
const MAX_INSTANCES = 200;
const MAX_FRAGMENTS = 200_000;
const NO_BOUNDARIES =
  'The stored pixel data does not say where its frames begin and end. Ask for the instance as application/dicom.';

/**
 * The position of one frame in the file. In the file, an item header separates one fragment from the next. `length`: bytes of the frame
 * without item headers.
 */
interface FramePosition {
  readonly fragments: readonly Fragment[];
  readonly length: number;
}

/** The positions of the frames of an instance. `fragments`: the total number of fragments; 0 until the positions are known. */
interface CachedPositions {
  fragments: number;
  readonly positions: Promise<readonly FramePosition[]>;
}

/**
 * Fetches frames of encapsulated pixel data as they are stored. Multi-frame images are read from the file itself, because the archive
 * returns wrong frames, or no frames, for some of these images.
 */
@Injectable()
export class StoredFrames {
  /** The key identifies the stored content. The least recently used entry is first. */
  private readonly cache = new Map<string, CachedPositions>();

  constructor(
    private readonly bytes: OrthancBytes,
    private readonly fetch: ArchiveFetch,
    private readonly files: InstanceFiles,
  ) {}

  /**
   * Fetches one frame. Frame numbers begin with 1. A video or a single-frame image is fetched as a whole, with all fragments. `size`: the
   * estimated size in bytes. Throws `NotAcceptable` when the boundaries of the frames are unknown.
   */
  async frame(instance: FoundInstance, number: number, size: number | undefined): Promise<ArchiveBytes> {
    if (!isWhole(instance)) return this.read(instance, number);
    try {
      const call = () => this.bytes.frame(instance.orthancId, number, size, instance);
      return await this.fetch.stored(instance, call);
    } catch (error) {
      if (!(error instanceof UpstreamFailed)) throw error;
      return this.read(instance, number);
    }
  }

  private async read(instance: FoundInstance, number: number): Promise<ArchiveBytes> {
    const position = (await this.positionsOf(instance))[number - 1];
    const [first] = position?.fragments ?? [];
    const last = position?.fragments.at(-1);
    if (position === undefined || first === undefined || last === undefined) throw new NotVisible();
    const range = { first: first.at, last: last.at + last.length - 1 };
    const call = () => filePart(this.bytes, instance, range);
    return withoutHeaders(await this.fetch.stored(instance, call), position);
  }

  private positionsOf(instance: FoundInstance): Promise<readonly FramePosition[]> {
    const key = `${instance.orthancId} ${instance.storedAt.getTime()}`;
    const entry = this.cache.get(key) ?? { fragments: 0, positions: this.readPositions(instance) };
    this.cache.delete(key);
    this.cache.set(key, entry);
    void this.updateSize(key, entry);
    return entry.positions;
  }

  /**
   * Counts the fragments of an entry. If the positions cannot be read, it removes the entry. The caller of `positionsOf` gets the error.
   */
  private async updateSize(key: string, entry: CachedPositions): Promise<void> {
    try {
      const positions = await entry.positions;
      entry.fragments = positions.reduce((sum, { fragments }) => sum + fragments.length, 0);
      this.evictOldest();
    } catch {
      this.cache.delete(key);
    }
  }

  private evictOldest(): void {
    let fragments = [...this.cache.values()].reduce((sum, entry) => sum + entry.fragments, 0);
    for (const [key, entry] of this.cache) {
      if (this.cache.size <= MAX_INSTANCES && fragments <= MAX_FRAGMENTS) return;
      this.cache.delete(key);
      fragments -= entry.fragments;
    }
  }

  private async readPositions(instance: FoundInstance): Promise<readonly FramePosition[]> {
    // The signal is left out, because other requests can wait for the same positions: reading continues when the first client disconnects.
    const { stream } = await this.files.stored({ ...instance, signal: undefined });
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

/** Returns the bytes of the fragments without item headers. `stream` begins with the first fragment. */
function withoutHeaders({ stream }: ArchiveBytes, position: FramePosition): ArchiveBytes {
  const bytes = Readable.from(fragmentBytes(stream, position), { objectMode: false });
  bytes.once('close', () => stream.on('error', () => undefined).destroy());
  return { length: position.length, stream: bytes };
}

async function* fragmentBytes(
  source: Readable,
  { fragments, length }: FramePosition,
): AsyncGenerator<Buffer> {
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
      // The fragment continues in the next chunk.
      if (to > chunk.length) break;
      index += 1;
    }
    if (left === 0) return;
    at += chunk.length;
  }
  throw new UpstreamFailed('transfer of a frame');
}
