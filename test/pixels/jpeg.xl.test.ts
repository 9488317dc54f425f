import { describe, expect, it } from 'vitest';
import { decodedFormat, decodeFrame } from '../../src/pixels/frame.decoder.js';
import { longForm } from '../support/long.form.ts';
import { expectRefused, refusalOf, withChangedBits } from './altered.streams.ts';
import { encodedJpegXl as encoded } from './jpeg.xl.encoder.ts';
import { greyRoundTrip } from './grey.round.trip.ts';
import { bytesOf, columns, painted, pixelFormat, rows } from './made.frames.ts';

const values = painted(rows * columns, 12);
const grey = () => encoded(bytesOf(values, 2), 12);

/** A box of a container (ISO/IEC 18181-2 §9). */
function box(type: string, content: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(content.length + 8, 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, content]);
}

describe('JPEG XL', () => {
  greyRoundTrip('jpeg-xl', encoded);

  it.each(['RGB', 'YBR_FULL_422', 'XYB'] as const)('colours called %s become RGB', async (photometric) => {
    const colours = painted(rows * columns * 3, 8);
    const format = pixelFormat(8, 8, { photometric });
    const stream = await encoded(bytesOf(colours, 1), 8, { components: 3 });
    const decoded = await decodeFrame('jpeg-xl', format, stream);
    expect(decoded.bytes).toEqual(bytesOf(colours, 1));
    expect(decoded.format).toMatchObject({ photometric: 'RGB', isPlanar: false });
    expect(decodedFormat(format, 'jpeg-xl')).toEqual(decoded.format);
  });

  it('signed grey gets its sign', async () => {
    const signed = values.map((value) => value - 2048);
    const stream = await encoded(
      bytesOf(
        signed.map((value) => value & 4095),
        2,
      ),
      12,
    );
    const { bytes } = await decodeFrame('jpeg-xl', pixelFormat(16, 12, { isSigned: true }), stream);
    expect(bytes).toEqual(bytesOf(signed, 2));
  });

  it.each([
    [8, 256],
    [64, 64],
    [300, 400],
  ])('of %i rows and %i columns comes back exactly, also in a container', async (height, width) => {
    const samples = bytesOf(painted(height * width, 8), 1);
    const stream = await encoded(samples, 8, { height, width });
    const signature = box('JXL ', Buffer.from('0d0a870a', 'hex'));
    const kind = box('ftyp', Buffer.from('jxl \0\0\0\0jxl '));
    const whole = Buffer.concat([signature, kind, box('jxlc', stream)]);
    const part = (number: number, piece: Uint8Array) =>
      box('jxlp', Buffer.concat([Buffer.from(number.toString(16).padStart(8, '0'), 'hex'), piece]));
    const half = Math.ceil(stream.length / 2);
    const parts = [part(0, stream.subarray(0, half)), part(0x80000001, stream.subarray(half))];
    const format = pixelFormat(8, 8, { rows: height, columns: width });
    for (const one of [stream, whole, Buffer.concat([signature, kind, ...parts])])
      expect(Buffer.from((await decodeFrame('jpeg-xl', format, one)).bytes).equals(samples)).toBe(true);
  });

  it('lossy stays near', async () => {
    const smooth = Array.from({ length: rows * columns }, (_, at) => 100 + (at % columns) * 3);
    const stream = await encoded(bytesOf(smooth, 1), 8, { distance: 1 });
    const { bytes } = await decodeFrame('jpeg-xl', pixelFormat(8, 8), stream);
    expect(Math.max(...smooth.map((value, at) => Math.abs(value - (bytes[at] ?? 0))))).toBeLessThanOrEqual(8);
  });

  it('that contradicts the header is refused', async () => {
    const stream = await grey();
    const colour = await encoded(bytesOf(painted(rows * columns * 3, 8), 1), 8, { components: 3 });
    await expectRefused('jpeg-xl', [
      [pixelFormat(16, 12, { rows: 22 }), stream],
      [pixelFormat(16, 12, { columns: 32 }), stream],
      [pixelFormat(8, 8), stream],
      [pixelFormat(16, 13), stream],
      [pixelFormat(32, 12), stream],
      [pixelFormat(8, 8, { photometric: 'RGB' }), stream],
      [pixelFormat(8, 8), colour],
      [pixelFormat(16, 12), new Uint8Array(0)],
      [pixelFormat(16, 12), new Uint8Array(500)],
      [pixelFormat(16, 12), box('JXL ', new Uint8Array(500))],
    ]);
  });

  it('is refused when truncated, and decoded to its full length or refused with any bit changed', async () => {
    const format = pixelFormat(16, 12);
    const stream = await grey();
    const length = rows * columns * 2;
    for (let size = 0; size < stream.length; size += longForm(1, 41))
      expect(
        await refusalOf('jpeg-xl', format, stream.subarray(0, size), length),
        String(size),
      ).toBeDefined();
    for (const one of withChangedBits(stream, longForm(3, 131)))
      await refusalOf('jpeg-xl', format, one, length);
  });
});
