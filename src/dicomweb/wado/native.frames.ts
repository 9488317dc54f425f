import { Readable } from 'node:stream';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NotAcceptable, NotVisible, UpstreamFailed } from '../../problems/errors.js';
import { DicomUnreadable } from '../../dicom/dicom.unreadable.js';
import { findPixels, type PixelLayout } from '../../dicom/pixel.finder.js';

const NO_FRAMES = 'The pixel data is not as long as its frames; ask for the instance as application/dicom.';
/** A frame of one-bit pixels is taken whole; this is far more than any has. */
const LARGEST_BITMAP = 64 * 1024 * 1024;

/**
 * Frames of a native file as it streams by, numbered from 1: in ascending order the file is read once, going back opens it anew.
 * Frames of one-bit pixels are moved to begin at a byte. Only one frame may be read at a time; `close` frees the archive.
 */
export class NativeFrames {
  private cursor: Cursor | undefined;
  private closed = false;

  constructor(private readonly open: () => Promise<ArchiveBytes>) {}

  /** One frame. Throws `NotVisible` for a number beyond the last, `NotAcceptable` when the pixels are not those of its frames. */
  async frame(number: number): Promise<ArchiveBytes> {
    const cursor = await this.at(number);
    const { frameBits } = cursor.layout;
    const startBit = (number - 1) * frameBits;
    await cursor.skipTo(Math.floor(startBit / 8));
    if (frameBits % 8 === 0) return bytesOf(frameBits / 8, cursor.take(frameBits / 8));
    const bits = await cursor.bitmap(startBit % 8, frameBits);
    return bytesOf(bits.length, [bits]);
  }

  /** All pixels as the one value they are, padding included. */
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
    const held = this.cursor;
    if (held !== undefined && Math.floor(((number - 1) * held.layout.frameBits) / 8) >= held.position)
      return held;
    held?.close();
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

/** A place in the pixels of a file. */
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

  /** The next bytes as they come. */
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

  /** So many bits from a bit of the next byte on, the first in the lowest bit (PS3.5 §8.1.1); the rest of the last byte is zero. */
  async bitmap(shift: number, bits: number): Promise<Buffer> {
    const count = Math.ceil((shift + bits) / 8);
    if (count > LARGEST_BITMAP) throw new UpstreamFailed('a frame too large');
    const pieces: Buffer[] = [];
    for await (const piece of this.take(count)) pieces.push(piece);
    const packed = Buffer.concat(pieces);
    // The next frame may begin in the byte that this one ends in.
    if ((shift + bits) % 8 !== 0) {
      this.ahead = Buffer.concat([packed.subarray(-1), this.ahead]);
      this.position -= 1;
    }
    const out = Buffer.alloc(Math.ceil(bits / 8));
    for (let at = 0; at < out.length; at += 1) {
      const pair = (packed[at] ?? 0) | ((packed[at + 1] ?? 0) << 8);
      out[at] = (pair >> shift) & 0xff;
    }
    const last = out.length - 1;
    if (bits % 8 !== 0) out[last] = (out[last] ?? 0) & ((1 << (bits % 8)) - 1);
    return out;
  }

  private async next(): Promise<Buffer> {
    const { done, value } = await this.source.next();
    if (done === true) throw new UpstreamFailed('a transfer cut short');
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
