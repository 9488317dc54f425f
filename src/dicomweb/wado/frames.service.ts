import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import { type ArchiveBytes, comesAtOnce } from '../../orthanc/orthanc.connection.js';
import { UpstreamFailed } from '../../problems/errors.js';
import { type OutgoingMultipart, type OutgoingPart, writeMultipart } from '../http/multipart.writer.js';
import { NativeFrames } from './native.frames.js';
import { metered } from '../http/metering.js';
import { type Opened, Retrieval } from './retrieval.service.js';
import { StoredFrames } from './stored.frames.js';
import { comesAsLittleEndian, EXPLICIT_LITTLE_ENDIAN } from '../../dicom/transfer.syntaxes.js';
import { contentType, type Representation } from './wado.negotiation.js';

const OCTETS = 'application/octet-stream';

/** Where frames come from: each by its own address of the archive, or out of a whole native file. */
interface Source {
  readonly ahead: boolean;
  readonly frame: (number: number) => Promise<ArchiveBytes>;
  readonly close: () => void;
}

/** Frames of one instance as they are stored, or decoded (PS3.18 §10.4.1.1.6). */
@Injectable()
export class Frames {
  constructor(
    private readonly retrieval: Retrieval,
    private readonly bytes: OrthancBytes,
    private readonly encapsulated: StoredFrames,
  ) {}

  /** Frames in the order asked, in parts. */
  inParts(
    opened: Opened,
    frames: readonly [number, ...number[]],
    representation: Representation,
  ): Promise<OutgoingMultipart> {
    const source = this.sourceOf(opened, representation);
    const address = this.retrieval.urlOf(opened, opened.instances[0]);
    const [first, ...rest] = frames;
    const part = (frame: number): OutgoingPart => ({
      type: contentType(representation),
      location: `${address}/frames/${frame}`,
      ahead: source.ahead,
      open: () => source.frame(frame),
    });
    return writeMultipart(representation.type, [part(first), ...rest.map(part)], source.close);
  }

  /** One frame as one body. */
  async one(opened: Opened, frame: number, representation: Representation): Promise<ArchiveBytes> {
    const source = this.sourceOf(opened, representation);
    return closing(source.frame(frame), source.close);
  }

  /** Compressed pixels as the one uncompressed value they stand for. */
  async allDecoded(opened: Opened): Promise<ArchiveBytes> {
    const native = this.nativeFrames(opened.instances[0]);
    const bytes = await closing(native.all(), () => native.close());
    return metered(bytes, { frames: opened.instances[0].frames }, opened.offered);
  }

  /** The same as the one part of a multipart body. */
  allDecodedInParts(opened: Opened): Promise<OutgoingMultipart> {
    const location = `${this.retrieval.urlOf(opened, opened.instances[0])}/bulk/7FE00010`;
    const type = `${OCTETS}; transfer-syntax=${EXPLICIT_LITTLE_ENDIAN}`;
    return writeMultipart(OCTETS, [{ type, location, ahead: false, open: () => this.allDecoded(opened) }]);
  }

  private sourceOf(opened: Opened, { decoded }: Representation): Source {
    const [instance] = opened.instances;
    const counted = async (asked: Promise<ArchiveBytes>) =>
      metered(await asked, { frames: 1 }, opened.offered);
    // The archive cannot cut frames of one-bit pixels, which begin anywhere in a byte.
    if (decoded || (instance.bitsAllocated === 1 && comesAsLittleEndian(instance.transferSyntax))) {
      const native = this.nativeFrames(instance);
      return {
        ahead: false,
        frame: (number) => counted(native.frame(number)),
        close: () => native.close(),
      };
    }
    const size = frameSize(instance);
    const frame = (number: number) => this.storedFrame(instance, number, size);
    return { ahead: comesAtOnce(size), frame: (number) => counted(frame(number)), close: () => undefined };
  }

  private async storedFrame(
    instance: FoundInstance,
    number: number,
    size: number | undefined,
  ): Promise<ArchiveBytes> {
    if (!comesAsLittleEndian(instance.transferSyntax)) return this.encapsulated.frame(instance, number, size);
    try {
      const call = () => this.bytes.frame(instance.orthancId, number, size, instance);
      return await this.retrieval.fromArchive(instance, call);
    } catch (error) {
      if (!(error instanceof UpstreamFailed)) throw error;
      // The archive counts on three samples of each pixel, also where two pixels share their colours (YBR_FULL_422), and knows no pixels of floating point.
      const native = this.nativeFrames(instance);
      return closing(native.frame(number), () => native.close());
    }
  }

  private nativeFrames(instance: FoundInstance): NativeFrames {
    const { transferSyntax } = instance;
    if (transferSyntax === EXPLICIT_LITTLE_ENDIAN)
      return new NativeFrames(() => this.retrieval.storedFile(instance));
    if (comesAsLittleEndian(transferSyntax))
      return new NativeFrames(() => this.retrieval.uncompressedFile(instance, EXPLICIT_LITTLE_ENDIAN));
    return new NativeFrames(() => this.retrieval.archiveDecoded(instance));
  }
}

/** Calls `close` when the bytes were read, or never will be. */
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

/** About how large a frame is; what turns out larger is asked for anew. */
function frameSize({ size, frames }: FoundInstance): number | undefined {
  return size === undefined ? undefined : Math.ceil(size / Math.max(frames, 1));
}
