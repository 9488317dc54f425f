import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { DataSetBytes, openFile } from '../../dicom/data.set.bytes.js';
import { EXPLICIT_LITTLE } from '../../dicom/element.decoder.js';
import { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import {
  type FrameBytes,
  frameBytesOf,
  type ImageHeader,
  type PixelPlace,
} from '../../pixels/image.header.js';
import { frameBits } from '../../pixels/pixel.format.js';
import { PixelsRefused } from '../../pixels/pixels.refused.js';
import { UpstreamFailed } from '../../problems/errors.js';
import { ArchiveFetch } from '../wado/archive.fetch.js';
import { filePart } from '../wado/file.part.js';
import { InstanceFiles } from '../wado/instance.files.js';
import { StoredFrames } from '../wado/stored.frames.js';

/** Largest part of a deflated data set that is inflated to reach a frame, in bytes. */
const MAX_INFLATED = 512 * 1024 * 1024;
/** A compressed frame may be this much longer than twice its uncompressed size. No coding needs more. */
const MAX_OVERHEAD = 1024 * 1024;

/** The bytes of a frame. `firstBit`: see `wordsOfFrame`. */
interface FetchedFrame {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly firstBit: number;
}

/** Reads the bytes of single frames from stored files. Only the bytes of the frame are kept in memory. */
@Injectable()
export class FrameSource {
  constructor(
    private readonly bytes: OrthancBytes,
    private readonly fetch: ArchiveFetch,
    private readonly files: InstanceFiles,
    private readonly frames: StoredFrames,
  ) {}

  /**
   * The bytes of a frame (counted from 1): as they are compressed, or uncompressed in little endian. Throws `DicomUnreadable` or
   * `PixelsRefused` when the file does not contain them.
   */
  async read(instance: FoundInstance, header: ImageHeader, frame: number): Promise<FetchedFrame> {
    if (header.place.isEncapsulated)
      return { bytes: await this.encapsulated(instance, header, frame), firstBit: 0 };
    const place = frameBytesOf(header, frame);
    return { bytes: await this.native(instance, header, place), firstBit: place.firstBit };
  }

  /** The fragments of a frame without item headers. A single-frame image is read here, so that the archive extracts nothing. */
  private async encapsulated(
    instance: FoundInstance,
    { format, place }: ImageHeader,
    frame: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const most = frameBits(format) / 4 + MAX_OVERHEAD;
    if (instance.frames > 1) {
      const { stream, length = 0 } = await this.frames.frame(instance, frame, undefined);
      if (length <= most) return collected(stream, length);
      stream.on('error', () => undefined).destroy();
      throw tooLong();
    }
    const range = { first: place.at, last: place.at + place.length - 1 };
    const { stream } = await this.fetch.stored(instance, () => filePart(this.bytes, instance, range));
    try {
      return await fragmentsOf(new DataSetBytes(stream[Symbol.asyncIterator](), Buffer.alloc(0)), most);
    } finally {
      stream.on('error', () => undefined).destroy();
    }
  }

  private async native(
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

/** Joins the fragments of encapsulated pixel data (PS3.5 §A.4). The first fragment is the offset table. */
async function fragmentsOf(dataSet: DataSetBytes, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Buffer[] = [];
  let total = 0;
  let isTable = true;
  for (
    let length = await dataSet.fragment(EXPLICIT_LITTLE);
    length !== undefined;
    length = await dataSet.fragment(EXPLICIT_LITTLE)
  ) {
    if (isTable) await dataSet.skip(length);
    else {
      total += length;
      if (total > most) throw tooLong();
      for await (const piece of dataSet.pass(length)) pieces.push(piece);
    }
    isTable = false;
  }
  if (total === 0) throw new PixelsRefused('it has no pixel data');
  return new Uint8Array(Buffer.concat(pieces));
}

function tooLong(): PixelsRefused {
  return new PixelsRefused('the compressed frame is longer than its pixels allow');
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
