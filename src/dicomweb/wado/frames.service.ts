import { Inject, Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import { type ArchiveBytes, isReadAtOnce } from '../../orthanc/orthanc.connection.js';
import { UpstreamFailed } from '../../problems/errors.js';
import { type OutgoingMultipart, type OutgoingPart, writeMultipart } from '../http/multipart.writer.js';
import { ArchiveFetch } from './archive.fetch.js';
import { DecodedFrames } from '../pixels/decoded.frames.js';
import { EncodedFrames } from '../pixels/encoded.frames.js';
import { InstanceFiles } from './instance.files.js';
import { NativeFrames } from './native.frames.js';
import { metered } from '../http/metering.js';
import { instanceUrl } from '../http/resource.urls.js';
import type { RecordedRead } from './read.access.js';
import { StoredFrames } from './stored.frames.js';
import { codecOf, comesAsLittleEndian, EXPLICIT_LITTLE_ENDIAN } from '../../dicom/transfer.syntaxes.js';
import { contentType, type Representation } from './wado.negotiation.js';

const OCTETS = 'application/octet-stream';

/** A source of frames. Each frame is fetched with one call, or all frames are taken from a native file that is read once. */
export interface SourceOfFrames {
  /** Whether the next frame may be fetched while the current frame is written. */
  readonly ahead: boolean;
  readonly frame: (number: number) => Promise<ArchiveBytes>;
  readonly close: () => void;
}

/** Fetches frames of one instance, as they are stored, decoded or compressed (PS3.18 §10.4.1.1.6). */
@Injectable()
export class Frames {
  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly bytes: OrthancBytes,
    private readonly fetch: ArchiveFetch,
    private readonly files: InstanceFiles,
    private readonly encapsulated: StoredFrames,
    private readonly own: DecodedFrames,
    private readonly compressed: EncodedFrames,
  ) {}

  /** Fetches frames in the requested order, each as one part. `boundary`: see {@link writeMultipart}. The source is closed at the end. */
  inParts(
    read: RecordedRead,
    frames: readonly [number, ...number[]],
    representation: Representation,
    boundary?: string,
    source: SourceOfFrames = this.sourceOf(read.instances[0], representation),
  ): Promise<OutgoingMultipart> {
    const address = instanceUrl(this.env.PUBLIC_URL, read.studyUid, read.instances[0]);
    const [first, ...rest] = frames;
    const part = (frame: number): OutgoingPart => ({
      type: contentType(representation),
      location: `${address}/frames/${frame}`,
      ahead: source.ahead,
      open: () => counted(read, source.frame(frame)),
    });
    return writeMultipart(representation.type, [part(first), ...rest.map(part)], source.close, boundary);
  }

  /** Fetches one frame. Throws `NotVisible`, `NotAcceptable`. */
  async one(read: RecordedRead, frame: number, representation: Representation): Promise<ArchiveBytes> {
    const source = this.sourceOf(read.instances[0], representation);
    return closing(counted(read, source.frame(frame)), source.close);
  }

  /**
   * A source for all stored frames of an instance in ascending order. A native file is read once. The caller closes the source.
   */
  inOrder(instance: FoundInstance, representation: Representation): SourceOfFrames {
    const isNative = comesAsLittleEndian(instance.transferSyntax) && instance.frames > 1;
    return isNative ? this.nativeSource(instance) : this.sourceOf(instance, representation);
  }

  /** Fetches compressed pixel data in decoded form, with all frames in one value. */
  async allDecoded(read: RecordedRead): Promise<ArchiveBytes> {
    const bytes = await this.allFrames(read.instances[0]);
    return metered(bytes, { frames: read.instances[0].frames }, read.offered);
  }

  /** Returns the value of {@link allDecoded} as the only part of a multipart body. */
  allDecodedInParts(read: RecordedRead): Promise<OutgoingMultipart> {
    const location = `${instanceUrl(this.env.PUBLIC_URL, read.studyUid, read.instances[0])}/bulk/7FE00010`;
    const type = `${OCTETS}; transfer-syntax=${EXPLICIT_LITTLE_ENDIAN}`;
    return writeMultipart(OCTETS, [{ type, location, ahead: false, open: () => this.allDecoded(read) }]);
  }

  private allFrames(instance: FoundInstance): Promise<ArchiveBytes> {
    if (codecOf(instance.transferSyntax) !== undefined) return this.own.all(instance);
    const native = this.nativeFrames(instance);
    return closing(native.all(), () => native.close());
  }

  private sourceOf(
    instance: FoundInstance,
    { decoded, encoded, transferSyntax }: Representation,
  ): SourceOfFrames {
    if (encoded === true)
      return {
        ahead: false,
        frame: (number) => this.compressed.one(instance, number, transferSyntax),
        close: nothing,
      };
    if (decoded && codecOf(instance.transferSyntax) !== undefined)
      return { ahead: false, frame: (number) => this.own.one(instance, number), close: nothing };
    // The archive cannot separate frames of one-bit pixels, because such a frame can begin in the middle of a byte.
    if (decoded || (instance.bitsAllocated === 1 && comesAsLittleEndian(instance.transferSyntax)))
      return this.nativeSource(instance);
    const size = frameSize(instance);
    return {
      ahead: isReadAtOnce(size),
      frame: (number) => this.storedFrame(instance, number, size),
      close: nothing,
    };
  }

  private nativeSource(instance: FoundInstance): SourceOfFrames {
    const native = this.nativeFrames(instance);
    return { ahead: false, frame: (number) => native.frame(number), close: () => native.close() };
  }

  private async storedFrame(
    instance: FoundInstance,
    number: number,
    size: number | undefined,
  ): Promise<ArchiveBytes> {
    if (!comesAsLittleEndian(instance.transferSyntax)) return this.encapsulated.frame(instance, number, size);
    try {
      const call = () => this.bytes.frame(instance.orthancId, number, size, instance);
      return await this.fetch.stored(instance, call);
    } catch (error) {
      if (!(error instanceof UpstreamFailed)) throw error;
      // The archive cannot extract frames of floating point pixels, or of YBR_FULL_422 (where two pixels share chrominance samples).
      const native = this.nativeFrames(instance);
      return closing(native.frame(number), () => native.close());
    }
  }

  private nativeFrames(instance: FoundInstance): NativeFrames {
    const { transferSyntax } = instance;
    if (transferSyntax === EXPLICIT_LITTLE_ENDIAN) return new NativeFrames(() => this.files.stored(instance));
    return new NativeFrames(() => this.files.uncompressed(instance, EXPLICIT_LITTLE_ENDIAN));
  }
}

function nothing(): void {
  // A source that keeps nothing open.
}

/** Adds a frame to the totals of the audit. */
async function counted({ offered }: RecordedRead, asked: Promise<ArchiveBytes>): Promise<ArchiveBytes> {
  return metered(await asked, { frames: 1 }, offered);
}

/** Calls `close` when the stream is closed, or when the stream cannot be opened. */
async function closing(asked: Promise<ArchiveBytes>, close: () => void): Promise<ArchiveBytes> {
  try {
    const bytes = await asked;
    bytes.stream.once('close', close);
    return bytes;
  } catch (error) {
    close();
    throw error;
  }
}

/** The average size of a frame in bytes, as an estimate. A frame above the estimate can need a second call. */
function frameSize({ size, frames }: FoundInstance): number | undefined {
  return size === undefined ? undefined : Math.ceil(size / Math.max(frames, 1));
}
