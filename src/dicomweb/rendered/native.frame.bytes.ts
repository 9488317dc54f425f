import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { openFile } from '../../dicom/data.set.bytes.js';
import { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import { type FrameBytes, type ImageHeader, type PixelPlace } from '../../pixels/image.header.js';
import { PixelsRefused } from '../../pixels/pixels.refused.js';
import { UpstreamFailed } from '../../problems/errors.js';
import { ArchiveFetch } from '../wado/archive.fetch.js';
import { filePart } from '../wado/file.part.js';
import { InstanceFiles } from '../wado/instance.files.js';

/** Largest part of a deflated data set that is inflated to reach a frame, in bytes. */
const MAX_INFLATED = 512 * 1024 * 1024;

/** Reads the bytes of single frames from stored uncompressed files. Only the bytes of the frame are kept in memory. */
@Injectable()
export class NativeFrameBytes {
  constructor(
    private readonly bytes: OrthancBytes,
    private readonly fetch: ArchiveFetch,
    private readonly files: InstanceFiles,
  ) {}

  /** The bytes of a frame in little endian. Throws `DicomUnreadable` or `PixelsRefused` when the file does not contain them. */
  async read(
    instance: FoundInstance,
    { place }: ImageHeader,
    { from, length }: FrameBytes,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { swappedWidth: width } = place;
    // In big endian, whole numbers are read, because a frame of bytes can begin inside a word.
    const start = from - (from % width);
    const end = Math.min(Math.ceil((from + length) / width) * width, place.length);
    if ((end - start) % width !== 0) throw new PixelsRefused('the pixel data ends inside a number');
    const whole = await this.whole(instance, place, start, end);
    swap(Buffer.from(whole.buffer), width);
    return whole.length === length ? whole : whole.slice(from - start, from - start + length);
  }

  private async whole(
    instance: FoundInstance,
    { at, isDeflated }: PixelPlace,
    start: number,
    end: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    if (isDeflated) return this.inflated(instance, at + start, end - start);
    const range = { first: at + start, last: at + end - 1 };
    const { stream } = await this.fetch.stored(instance, () => filePart(this.bytes, instance, range));
    return collected(stream, end - start);
  }

  private async inflated(
    instance: FoundInstance,
    start: number,
    length: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    if (start + length > MAX_INFLATED) throw new PixelsRefused('the deflated file is too large');
    const { stream } = await this.files.stored(instance);
    const file = await openFile(stream);
    try {
      await file.dataSet.skip(start);
      return await collected(file.dataSet.pass(length), length);
    } finally {
      file.close();
      stream.on('error', () => undefined).destroy();
    }
  }
}

/** Copies the pieces into one buffer of its own. Throws `UpstreamFailed` when their total length differs. */
async function collected(pieces: AsyncIterable<unknown>, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(length);
  let at = 0;
  for await (const piece of pieces) {
    if (!Buffer.isBuffer(piece) || at + piece.length > length)
      throw new UpstreamFailed('transfer of a frame');
    whole.set(piece, at);
    at += piece.length;
  }
  if (at !== length) throw new UpstreamFailed('transfer of a frame');
  return whole;
}

function swap(bytes: Buffer, width: number): void {
  if (width === 2) bytes.swap16();
  else if (width === 4) bytes.swap32();
  else if (width === 8) bytes.swap64();
}
