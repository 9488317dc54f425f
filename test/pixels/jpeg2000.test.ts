import { describe, expect, it } from 'vitest';
import { decodedFormat, decodeFrame } from '../../src/pixels/frame.decoder.js';
import type { PixelFormat } from '../../src/pixels/pixel.format.js';
import { PixelsRefused } from '../../src/pixels/pixels.refused.js';
import { encodedJpeg2000 as encoded } from './jpeg2000.encoder.ts';
import { greyRoundTrip } from './grey.round.trip.ts';
import { bytesOf, columns, painted, pixelFormat, rows } from './made.frames.ts';

/** A copy of the bytes with other bytes at a position. */
function changed(stream: Uint8Array, at: number, ...bytes: number[]): Uint8Array {
  const copy = Uint8Array.from(stream);
  copy.set(bytes, at);
  return copy;
}

/** A box of a JP2 file. */
function box(type: string, content: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(content.length + 8, 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, content]);
}

/** A JP2 file (ISO/IEC 15444-1 Annex I) around a codestream. */
function jp2(stream: Uint8Array): Uint8Array {
  return Buffer.concat([
    box('jP  ', Buffer.from('0d0a870a', 'hex')),
    box('ftyp', Buffer.from('jp2 \0\0\0\0jp2 ')),
    box('jp2c', stream),
  ]);
}

const grey = () => encoded(bytesOf(painted(rows * columns, 12), 2), 12);

/** Streams that `opj_compress` 2.5.0 wrote with three quality layers (`-r 8,4,1`), without loss. */
const LAYERED = {
  'one tile (-n 2)':
    '/0//UQApAAAAAAAUAAAAEgAAAAAAAAAAAAAAFAAAABIAAAAAAAAAAAABBwEB/1IADAAAAAMAAQQEAAH/XAAHQEBISFD/ZAAl' +
    'AAFDcmVhdGVkIGJ5IE9wZW5KUEVHIHZlcnNpb24gMi41LjD/kAAKAAAAAABtAAH/k98RUBIxS9yMjuxU5DDqAJTWe00wDXBi' +
    '5YD1QJoWEZQTeNqhuYJ9JzZuBRHPlnBRgPyHQB+vMnAiyJUw/tLfQKfuq9fZDjcPxIvs5RFuHQADwPkDQDoYQOM4j7a4eEdv' +
    '/9k=',
  'tile-parts of four tiles and packet markers (-n 2 -t 16,16 -TP R -SOP -EPH -p RPCL)':
    '/0//UQApAAAAAAAUAAAAEgAAAAAAAAAAAAAAEAAAABAAAAAAAAAAAAABBwEB/1IADAYCAAMAAQQEAAH/XAAHQEBISFD/ZAAl' +
    'AAFDcmVhdGVkIGJ5IE9wZW5KUEVHIHZlcnNpb24gMi41LjD/kAAKAAAAAABhAAL/k/+RAAQAAN4o/5ISK2b8jI7bIgVl/5EA' +
    'BAABxP+SW5v/kQAEAAL9RSD/kqCkLVK6OXNN9f2IdF3Mdm0GYKti5n7MtJyktItKcRLNWatKRv8fx4RN/5AACgAAAAAANwEC' +
    '/5P/kQAEAAOA/5L/kQAEAASA/5L/kQAEAAXA+QNAOhj/kjahma5jnz2mLv+QAAoAAQAAADsAAv+T/5EABAAAz4xI/5IgtGHu' +
    'F2cQ2W//kQAEAAGA/5L/kQAEAAL8gUD/krqREUo//5AACgABAAAANQEC/5P/kQAEAAOA/5L/kQAEAASA/5L/kQAEAAXA+QLA' +
    'OhD/khfcBbv4Htr/kAAKAAIAAAAzAAL/k/+RAAQAAM+0IP+SBqFXSaeKcMv/kQAEAAGA/5L/kQAEAAKA/5L/kAAKAAIAAAAy' +
    'AQL/k/+RAAQAA8D5AUA6EP+SGFMCj/+RAAQABID/kv+RAAQABYD/kv+QAAoAAwAAAC4AAv+T/5EABAAAz7QM/5ICkX//kQAE' +
    'AAGA/5L/kQAEAAKA/5L/kAAKAAMAAAAxAQL/k/+RAAQAA8D5AUA6CP+SC48B/5EABAAEgP+S/5EABAAFgP+S/9k=',
};

describe('JPEG 2000', () => {
  greyRoundTrip('jpeg-2000', encoded);

  it.each(Object.entries(LAYERED))('of three quality layers in %s comes back exactly', async (_, stream) => {
    const values = Array.from({ length: 18 * 20 }, (_, at) => (at % 20) * 9 + Math.floor(at / 20) * 3);
    const format = pixelFormat(8, 8, { rows: 18, columns: 20 });
    const { bytes } = await decodeFrame('jpeg-2000', format, Uint8Array.from(Buffer.from(stream, 'base64')));
    expect([...bytes]).toEqual(values);
  });

  it.each([
    [16, 12, true],
    [16, 12, false],
    [16, 16, true],
    [8, 8, true],
    [16, 8, true],
  ])(
    'signed grey of %i bits with %i stored gets its sign (sign in the stream: %s)',
    async (allocated, stored, isSigned) => {
      const values = painted(rows * columns, stored).map((value) => value - 2 ** (stored - 1));
      // A signed component is coded like an unsigned component with a level shift of half its range. Only the sign in SIZ differs.
      const written = values.map((value) =>
        isSigned ? value + 2 ** (stored - 1) : value & (2 ** stored - 1),
      );
      const unsigned = await encoded(bytesOf(written, stored > 8 ? 2 : 1), stored);
      const stream = isSigned ? changed(unsigned, 42, 0x80 + stored - 1) : unsigned;
      const { bytes } = await decodeFrame(
        'jpeg-2000',
        pixelFormat(allocated, stored, { isSigned: true }),
        stream,
      );
      expect(bytes).toEqual(bytesOf(values, allocated > 8 ? 2 : 1));
    },
  );

  it.each(['RGB', 'YBR_RCT'] as const)(
    'colours called %s become RGB, pixel by pixel',
    async (photometric) => {
      const values = painted(rows * columns * 3, 8);
      const stream = await encoded(bytesOf(values, 1), 8, { components: 3 });
      const format = pixelFormat(8, 8, { photometric, isPlanar: true });
      const decoded = await decodeFrame('jpeg-2000', format, stream);
      expect(decoded.bytes).toEqual(bytesOf(values, 1));
      expect(decoded.format).toMatchObject({ photometric: 'RGB', isPlanar: false });
      expect(decodedFormat(format, 'jpeg-2000')).toEqual(decoded.format);
    },
  );

  it('of several tiles, of each progression, in a JP2 file and with padding comes back exactly', async () => {
    const values = painted(rows * columns, 12);
    const bytes = bytesOf(values, 2);
    const plain = await grey();
    const streams = [
      await encoded(bytes, 12, { tile: 16 }),
      ...(await Promise.all([0, 1, 3, 4].map((order) => encoded(bytes, 12, { order })))),
      jp2(plain),
      Buffer.concat([plain, Buffer.alloc(1)]),
      plain.subarray(0, -2),
    ];
    for (const stream of streams)
      expect((await decodeFrame('jpeg-2000', pixelFormat(16, 12), stream)).bytes).toEqual(bytes);
  });

  it('that contradicts the header is refused', async () => {
    const stream = await grey();
    const colour = await encoded(bytesOf(painted(rows * columns * 3, 8), 1), 8, { components: 3 });
    // Offsets in the SIZ segment (ISO/IEC 15444-1 table A.9).
    const [width, height, offset, tile, count, distance] = [8, 12, 16, 24, 40, 43];
    const firstTile = Buffer.from(stream).indexOf(Buffer.from('ff90', 'hex'));
    const contradictions: [format: PixelFormat, stream: Uint8Array][] = [
      [pixelFormat(16, 12, { rows: 22 }), stream],
      [pixelFormat(16, 12, { columns: 32 }), stream],
      [pixelFormat(8, 8), stream],
      [pixelFormat(32, 12), stream],
      [pixelFormat(8, 8, { photometric: 'RGB' }), stream],
      [pixelFormat(8, 8), colour],
      [pixelFormat(8, 8, { photometric: 'YBR_FULL_422' }), colour],
      ...[
        changed(stream, width, 0, 0, 64, 0),
        changed(stream, height, 255, 255, 255, 255),
        changed(stream, offset, 0, 0, 0, 33),
        changed(stream, tile, 0, 0, 0, 0),
        changed(stream, tile, 0, 0, 0, 1, 0, 0, 0, 1),
        changed(stream, count, 0, 0),
        changed(stream, count, 0, 3),
        changed(stream, distance, 2),
        changed(stream, distance, 1, 2),
        changed(stream, distance, 0, 0),
        changed(stream, firstTile + 4, 0, 9),
        changed(stream, firstTile + 6, 0, 255, 0, 0),
        changed(stream, firstTile + 6, 0, 0, 0, 13),
        stream.subarray(0, firstTile + 20),
        new Uint8Array(0),
        new Uint8Array(500),
        jp2(new Uint8Array(0)),
        jp2(stream).subarray(0, 40),
      ].map((bytes): [PixelFormat, Uint8Array] => [pixelFormat(16, 12), bytes]),
    ];
    for (const [index, [format, bytes]] of contradictions.entries())
      await expect(decodeFrame('jpeg-2000', format, bytes), String(index)).rejects.toBeInstanceOf(
        PixelsRefused,
      );
  });

  it('that is truncated or altered is refused, or decoded to its full length', async () => {
    const stream = await grey();
    const cut = Array.from({ length: 30 }, (_, index) => stream.subarray(0, (index * stream.length) / 30));
    const altered = Array.from({ length: 90 }, (_, index) => {
      const bit = index < 60 ? index * 13 : (index * 7919) % (stream.length * 8);
      return changed(stream, bit >> 3, (stream[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
    });
    for (const one of [...cut, ...altered]) {
      const outcome = await decodeFrame('jpeg-2000', pixelFormat(16, 12), one).catch(
        (error: unknown) => error,
      );
      if (outcome instanceof PixelsRefused) continue;
      expect(outcome).toMatchObject({ bytes: { length: rows * columns * 2 } });
    }
  });
});
