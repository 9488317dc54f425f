import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { encodeHead } from '../../dicom/data.set.recoder.js';
import { DicomUnreadable } from '../../dicom/dicom.unreadable.js';
import {
  EXPLICIT_LITTLE,
  ITEM,
  PIXEL_DATA,
  SEQUENCE_END,
  UNDEFINED_LENGTH,
} from '../../dicom/element.decoder.js';
import { compressionOf } from '../../dicom/transfer.syntaxes.js';
import { Slots } from '../../limits/slots.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import type { EncodedFrame } from '../../pixels/encoders/frame.encoder.js';
import { NotAcceptable } from '../../problems/errors.js';
import { InstanceFiles } from '../wado/instance.files.js';
import { pixelFreeFile, withPixels } from '../wado/uncompressed.file.js';
import { describedPixels } from './described.pixels.js';
import { FrameTasks } from './frame.tasks.js';

/** Largest number of headers of files in memory at the same time, in total and for one account. */
const MAX_HEADERS = 8;
const MAX_HEADERS_PER_ACCOUNT = 4;
const UNAVAILABLE = 'This instance cannot be compressed. Ask for the stored form: transfer-syntax=*.';

/** Compresses images in the gateway without loss: single frames and files. One frame at a time is in memory. */
@Injectable()
export class EncodedFrames {
  private readonly headers = new Slots({ places: MAX_HEADERS, perAccount: MAX_HEADERS_PER_ACCOUNT });

  constructor(
    private readonly tasks: FrameTasks,
    private readonly files: InstanceFiles,
  ) {}

  /** A compressed frame (counted from 1). Throws `NotAcceptable` when it cannot be decoded or compressed. */
  async one(instance: FoundInstance, frame: number, transferSyntax: string): Promise<ArchiveBytes> {
    const { bytes } = await this.encoded(instance, frame, transferSyntax);
    return {
      length: bytes.length,
      stream: Readable.from([Buffer.from(bytes.buffer)], { objectMode: false }),
    };
  }

  /**
   * The file in a compressed transfer syntax, with one fragment for each frame and an empty offset table (PS3.5 §A.4). All other values are
   * as stored. Throws `NotAcceptable` when the first frame cannot be decoded or compressed.
   */
  file(instance: FoundInstance, transferSyntax: string): Promise<ArchiveBytes> {
    const work = async () => {
      const { frames } = await this.tasks.header(instance);
      const header = await pixelFreeFile(await this.files.stored(instance), transferSyntax);
      const first = await this.encoded(instance, 1, transferSyntax);
      const changed = [
        ...describedPixels(first.photometric, instance, transferSyntax),
        [PIXEL_DATA, encodeHead(PIXEL_DATA, 'OB', UNDEFINED_LENGTH, EXPLICIT_LITTLE)] as const,
      ];
      const pieces = this.fragments(instance, frames, first, transferSyntax);
      return withPixels(header, changed, Readable.from(pieces, { objectMode: false }));
    };
    return this.headers.run(
      () =>
        work().catch((error: unknown) => {
          throw error instanceof DicomUnreadable ? new NotAcceptable('not-decodable', UNAVAILABLE) : error;
        }),
      instance.signal,
      instance.reader,
    );
  }

  private encoded(instance: FoundInstance, frame: number, transferSyntax: string): Promise<EncodedFrame> {
    const compression = compressionOf(transferSyntax);
    if (compression === undefined) throw new NotAcceptable('not-acceptable', UNAVAILABLE);
    return this.tasks.encoded(instance, frame, compression);
  }

  private async *fragments(
    instance: FoundInstance,
    frames: number,
    first: EncodedFrame,
    transferSyntax: string,
  ): AsyncGenerator<Buffer> {
    yield itemHead(ITEM, 0);
    yield fragmentOf(first);
    for (let frame = 2; frame <= frames; frame += 1)
      yield fragmentOf(await this.encoded(instance, frame, transferSyntax));
    yield itemHead(SEQUENCE_END, 0);
  }
}

/** An item with the bytes of a frame, padded to an even length. */
function fragmentOf({ bytes }: EncodedFrame): Buffer {
  const padding = Buffer.alloc(bytes.length % 2);
  return Buffer.concat([itemHead(ITEM, bytes.length + padding.length), bytes, padding]);
}

function itemHead(tag: number, length: number): Buffer {
  return encodeHead(tag, '', length, { implicit: true, big: false });
}
