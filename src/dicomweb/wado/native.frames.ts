import { Readable } from 'node:stream';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NotAcceptable, NotVisible, UpstreamFailed } from '../../problems/errors.js';
import { DicomUnreadable } from '../../dicom/dicom.unreadable.js';
import { findPixels, type PixelLayout } from '../../dicom/pixel.finder.js';

const NO_FRAMES =
  'The length of the pixel data does not match its frames. Ask for the instance as application/dicom.';
/** Largest frame of one-bit pixels, in bytes. The whole frame is read into memory. */
const MAX_BITMAP_BYTES = 64 * 1024 * 1024;

/**
 * Reads the frames of a native file from a stream. Frame numbers begin with 1. If frames are requested in ascending order, the file is read
 * once. If a frame is requested after a later frame, the file is opened again. Frames of one-bit pixels are shifted to begin at a byte
 * boundary. Only one frame may be read at a time. `close` frees the connection to the archive.
 */
export class NativeFrames {
  private cursor: Cursor | undefined;
  private closed = false;

  constructor(private readonly open: () => Promise<ArchiveBytes>) {}

  /**
   * Returns one frame. Throws `NotVisible` when the number is too high, and `NotAcceptable` when the length of the pixel data does not
   * match the number of frames.
   */
  async frame(number: number): Promise<ArchiveBytes> {
    const cursor = await this.at(number);
    const { frameBits } = cursor.layout;
    const startBit = (number - 1) * frameBits;
    await cursor.skipTo(Math.floor(startBit / 8));
    if (frameBits % 8 === 0) return bytesOf(frameBits / 8, cursor.take(frameBits / 8));
    const bits = await cursor.bitmap(startBit % 8, frameBits);
    return bytesOf(bits.length, [bits]);
  }

  /** Returns the whole pixel data as one value, with its padding. */
  async all(): Promise<ArchiveBytes> {
    const cursor = await this.at(1);
    return bytesOf(cursor.layout.length, cursor.take(cursor.layout.length));
  }

  close(): void {
    this.closed = true;
    this.cursor?.close();
    this.cursor = undefined;
  }

  private async at(number: number): Promise<Cursor> {
    const { cursor } = this;
    if (cursor !== undefined && Math.floor(((number - 1) * cursor.layout.frameBits) / 8) >= cursor.position)
      return cursor;
    cursor?.close();
    const { stream } = await this.open();
    try {
      this.cursor = await Cursor.over(stream);
    } catch (error) {
      stream.destroy();
      throw error instanceof DicomUnreadable ? new NotAcceptable('not-decodable', NO_FRAMES) : error;
    }
    if (this.closed) this.close();
    if (this.cursor === undefined || number > this.cursor.layout.frames) throw new NotVisible();
    return this.cursor;
  }
}

/** A read position in the pixel data of a file. */
class Cursor {
  position = 0;

  private constructor(
    readonly layout: PixelLayout,
    private ahead: Buffer,
    private readonly source: AsyncIterator<Buffer>,
    private readonly stream: Readable,
  ) {}

  static async over(stream: Readable): Promise<Cursor> {
    const source = chunksOf(stream);
    const { layout, ahead } = await findPixels(source);
    return new Cursor(layout, ahead, source, stream);
  }

  close(): void {
    this.stream.on('error', () => undefined).destroy();
  }

  async skipTo(position: number): Promise<void> {
    for await (const _ of this.take(position - this.position));
  }

  /** Takes the next `count` bytes, in chunks as they arrive. */
  async *take(count: number): AsyncGenerator<Buffer> {
    for (let missing = count; missing > 0;) {
      if (this.ahead.length === 0) this.ahead = await this.next();
      const piece = this.ahead.subarray(0, missing);
      this.ahead = this.ahead.subarray(piece.length);
      this.position += piece.length;
      missing -= piece.length;
      yield piece;
    }
  }

  /**
   * Takes the next `bits` bits, starting at bit `shift` of the next byte. The first bit is the lowest bit of a byte (PS3.5 §8.1.1). Unused
   * bits of the last byte are zero.
   */
  async bitmap(shift: number, bits: number): Promise<Buffer> {
    const count = Math.ceil((shift + bits) / 8);
    if (count > MAX_BITMAP_BYTES) throw new UpstreamFailed('reading a large frame');
    const pieces: Buffer[] = [];
    for await (const piece of this.take(count)) pieces.push(piece);
    const packed = Buffer.concat(pieces);
    // The next frame can begin in the last byte of this frame.
    if ((shift + bits) % 8 !== 0) {
      this.ahead = Buffer.concat([packed.subarray(-1), this.ahead]);
      this.position -= 1;
    }
    const out = Buffer.alloc(Math.ceil(bits / 8));
    for (let index = 0; index < out.length; index += 1) {
      const pair = (packed[index] ?? 0) | ((packed[index + 1] ?? 0) << 8);
      out[index] = (pair >> shift) & 0xff;
    }
    const last = out.length - 1;
    if (bits % 8 !== 0) out[last] = (out[last] ?? 0) & ((1 << (bits % 8)) - 1);
    return out;
  }

  private async next(): Promise<Buffer> {
    const { done, value } = await this.source.next();
    if (done === true) throw new UpstreamFailed('transfer of frames');
    return value;
  }
}

async function* chunksOf(stream: Readable): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) throw new UpstreamFailed('bytes');
    yield chunk;
  }
}

function bytesOf(length: number, pieces: AsyncIterable<Buffer> | Iterable<Buffer>): ArchiveBytes {
  return { length, stream: Readable.from(pieces, { objectMode: false }) };
}
