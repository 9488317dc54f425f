import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { DicomUnreadable } from '../../dicom/dicom.unreadable.js';
import {
  EXPLICIT_LITTLE,
  IMPLICIT_LITTLE,
  PIXEL_DATA,
  UNDEFINED_LENGTH,
} from '../../dicom/element.decoder.js';
import { encodeHead } from '../../dicom/data.set.recoder.js';
import { IMPLICIT_LITTLE_ENDIAN, type Uncompressed } from '../../dicom/transfer.syntaxes.js';
import { Slots } from '../../limits/slots.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import type { DecodedFrame } from '../../pixels/frame.decoder.js';
import { frameBits, type PixelFormat } from '../../pixels/pixel.format.js';
import { NotAcceptable } from '../../problems/errors.js';
import { InstanceFiles } from '../wado/instance.files.js';
import { type NewElement, pixelFreeFile, withPixels } from '../wado/uncompressed.file.js';
import { describedPixels } from './described.pixels.js';
import { FrameTasks } from './frame.tasks.js';

/** Largest number of headers of compressed files in memory at the same time, in total and for one account. */
const MAX_HEADERS = 8;
const MAX_HEADERS_PER_ACCOUNT = 4;
const UNDECODABLE = 'This instance cannot be decoded. Ask for the stored form: transfer-syntax=*.';

/** Decodes compressed images in the gateway: single frames, whole pixel data, and files. Pixels are in little endian. */
@Injectable()
export class DecodedFrames {
  private readonly headers = new Slots({ places: MAX_HEADERS, perAccount: MAX_HEADERS_PER_ACCOUNT });

  constructor(
    private readonly tasks: FrameTasks,
    private readonly files: InstanceFiles,
  ) {}

  /** A decoded frame (counted from 1). Throws `NotAcceptable` when it cannot be decoded. */
  async one(instance: FoundInstance, frame: number): Promise<ArchiveBytes> {
    const { bytes } = await this.tasks.decoded(instance, frame);
    return {
      length: bytes.length,
      stream: Readable.from([Buffer.from(bytes.buffer)], { objectMode: false }),
    };
  }

  /** All decoded frames as one value of even length. Throws `NotAcceptable` when the first frame cannot be decoded. */
  async all(instance: FoundInstance): Promise<ArchiveBytes> {
    const { frames } = await this.tasks.header(instance);
    const first = await this.tasks.decoded(instance, 1);
    return this.allAfter(instance, frames, first);
  }

  private allAfter(instance: FoundInstance, frames: number, first: DecodedFrame): ArchiveBytes {
    const length = pixelLength(first.format, frames);
    const pieces = this.pieces(instance, frames, Buffer.from(first.bytes.buffer), length);
    return { length, stream: Readable.from(pieces, { objectMode: false }) };
  }

  /** The file in the uncompressed transfer syntax `into`. All values except the pixels are as stored. Throws `NotAcceptable`. */
  file(instance: FoundInstance, into: Uncompressed): Promise<ArchiveBytes> {
    const work = async () => {
      const { frames } = await this.tasks.header(instance);
      const header = await pixelFreeFile(await this.files.stored(instance), into);
      const first = await this.tasks.decoded(instance, 1);
      const pixels = this.allAfter(instance, frames, first);
      return withPixels(
        header,
        changedElements(first.format, pixels.length ?? 0, instance, into),
        pixels.stream,
      );
    };
    return this.headers.run(
      () =>
        work().catch((error: unknown) => {
          throw error instanceof DicomUnreadable ? new NotAcceptable('not-decodable', UNDECODABLE) : error;
        }),
      instance.signal,
      instance.reader,
    );
  }

  private async *pieces(
    instance: FoundInstance,
    frames: number,
    first: Buffer,
    length: number,
  ): AsyncGenerator<Buffer> {
    yield first;
    for (let frame = 2; frame <= frames; frame += 1)
      yield Buffer.from((await this.tasks.decoded(instance, frame)).bytes.buffer);
    const padding = length - first.length * frames;
    if (padding > 0) yield Buffer.alloc(padding);
  }
}

/** Bytes of the pixel data, padded to an even length. Throws `NotAcceptable` when one element cannot contain it. */
function pixelLength(format: PixelFormat, frames: number): number {
  const length = Math.ceil((frameBits(format) / 8) * (frames / 2)) * 2;
  if (length >= UNDEFINED_LENGTH) throw new NotAcceptable('not-decodable', UNDECODABLE);
  return length;
}

/** The elements that differ in the decoded file, without the bytes of the pixels. */
function changedElements(
  format: PixelFormat,
  length: number,
  instance: FoundInstance,
  into: Uncompressed,
): readonly NewElement[] {
  const encoding = into === IMPLICIT_LITTLE_ENDIAN ? IMPLICIT_LITTLE : EXPLICIT_LITTLE;
  const vr = format.bitsAllocated > 8 ? 'OW' : 'OB';
  const pixels = [PIXEL_DATA, encodeHead(PIXEL_DATA, vr, length, encoding)] as const;
  return [...describedPixels(format.photometric, instance, into), pixels];
}
