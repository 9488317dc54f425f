import { describe, expect, it } from 'vitest';
import { decodedFormat, decodeFrame } from '../../src/pixels/frame.decoder.js';
import type { PixelFormat } from '../../src/pixels/pixel.format.js';
import { expectRefused, refusalOf, withChangedBits } from './altered.streams.ts';
import { greyRoundTrip } from './grey.round.trip.ts';
import { writtenLossless as written } from './jpeg.lossless.encoder.ts';
import { bytesOf, columns, painted, pixelFormat, rows } from './made.frames.ts';

const grey = painted(rows * columns, 16);

describe('JPEG lossless', () => {
  greyRoundTrip('jpeg-lossless', async (samples, bits, size) => {
    const bytes = Buffer.from(samples);
    const values = Array.from({ length: bits > 8 ? bytes.length / 2 : bytes.length }, (_, at) =>
      bits > 8 ? bytes.readUInt16LE(at * 2) : (bytes[at] ?? 0),
    );
    return written(values, { precision: bits, ...size });
  });

  it.each([1, 2, 3, 4, 5, 6, 7])('with predictor %i comes back exactly', async (predictor) => {
    for (const form of [{}, { restartRows: 4 }, { restartRows: 1 }, { table: 'uneven' }] as const) {
      const stream = written(grey, { predictor, ...form });
      const { bytes } = await decodeFrame('jpeg-lossless', pixelFormat(16, 16), stream);
      expect(bytes).toEqual(bytesOf(grey, 2));
    }
  });

  it('keeps differences of half the range, and values of all bits', async () => {
    const values = grey.map((_, at) => [0, 32_768, 65_535, 32_767, 1][at % 5] ?? 0);
    for (const predictor of [1, 2, 4, 7]) {
      const stream = written(values, { predictor, restartRows: 3 });
      const { bytes } = await decodeFrame('jpeg-lossless', pixelFormat(16, 16), stream);
      expect(bytes).toEqual(bytesOf(values, 2));
    }
  });

  it('with a point transform comes back without its lowest bits', async () => {
    const stream = written(grey, { predictor: 4, shift: 3 });
    const { bytes } = await decodeFrame('jpeg-lossless', pixelFormat(16, 16), stream);
    expect(bytes).toEqual(
      bytesOf(
        grey.map((value) => value & ~7),
        2,
      ),
    );
  });

  it.each(['RGB', 'YBR_FULL'] as const)(
    'colours called %s come pixel by pixel as they are',
    async (photometric) => {
      const values = painted(rows * columns * 3, 8);
      const format = pixelFormat(8, 8, { photometric, isPlanar: true });
      for (const separateScans of [false, true]) {
        const stream = written(values, { precision: 8, components: 3, predictor: 6, separateScans });
        const decoded = await decodeFrame('jpeg-lossless', format, stream);
        expect(decoded.bytes).toEqual(bytesOf(values, 1));
        expect(decoded.format).toMatchObject({ photometric, isPlanar: false });
        expect(decodedFormat(format, 'jpeg-lossless')).toEqual(decoded.format);
      }
    },
  );

  it.each([
    [16, 12],
    [16, 16],
    [8, 8],
    [8, 6],
  ])('signed grey of %i bits with %i stored gets its sign', async (allocated, stored) => {
    const values = painted(rows * columns, stored).map((value) => value - 2 ** (stored - 1));
    const stream = written(
      values.map((value) => value & (2 ** stored - 1)),
      { precision: stored, predictor: 7 },
    );
    const format = pixelFormat(allocated, stored, { isSigned: true });
    const { bytes } = await decodeFrame('jpeg-lossless', format, stream);
    expect(bytes).toEqual(bytesOf(values, allocated > 8 ? 2 : 1));
  });

  it('that contradicts the header is refused', async () => {
    const stream = written(grey, { precision: 16 });
    const colour = written(painted(rows * columns * 3, 8), { precision: 8, components: 3 });
    const scan = stream.indexOf(Buffer.from('ffda', 'hex'));
    const changed = (at: number, value: number) => Buffer.from(stream).fill(value, at, at + 1);
    const narrow = written(painted(rows * columns, 8), { precision: 8 });
    // A point transform that leaves no bits.
    narrow[narrow.indexOf(Buffer.from('ffda', 'hex')) + 9] = 8;
    const contradictions: [format: PixelFormat, stream: Uint8Array][] = [
      [pixelFormat(16, 16, { rows: 22 }), stream],
      [pixelFormat(16, 16, { columns: 32 }), stream],
      [pixelFormat(8, 8), stream],
      [pixelFormat(16, 12), written(painted(rows * columns, 8), { precision: 8 })],
      [pixelFormat(8, 8, { photometric: 'RGB' }), stream],
      [pixelFormat(8, 8), narrow],
      [pixelFormat(8, 8), colour],
      [pixelFormat(8, 8, { photometric: 'YBR_FULL_422' }), colour],
      ...[
        written(grey, { marker: 0xc0 }),
        written(grey, { marker: 0xcb }),
        // The predictor, the component and the table of the scan.
        changed(scan + 7, 0),
        changed(scan + 7, 8),
        changed(scan + 5, 9),
        changed(scan + 6, 0x10),
        Buffer.concat([stream.subarray(0, scan), stream.subarray(scan, -2), stream.subarray(scan)]),
        written(grey, { restartRows: 4 }).subarray(0, -200),
        new Uint8Array(0),
        new Uint8Array(500),
        new Uint8Array(500).fill(255),
      ].map((bytes): [PixelFormat, Uint8Array] => [pixelFormat(16, 16), bytes]),
      // Restart markers in another order, and a restart interval that ends inside of a row.
      ...['ffd1', 'ffdd'].map((marker): [PixelFormat, Uint8Array] => {
        const restarting = written(grey, { restartRows: 4 });
        const at = restarting.indexOf(Buffer.from(marker, 'hex')) + (marker === 'ffd1' ? 1 : 5);
        restarting[at] = (restarting[at] ?? 0) + 1;
        return [pixelFormat(16, 16), restarting];
      }),
    ];
    await expectRefused('jpeg-lossless', contradictions);
  });

  it('is refused at every truncation, and decoded to its full length or refused with any bit changed', async () => {
    const stream = written(grey, { predictor: 4, restartRows: 7 });
    const format = pixelFormat(16, 16);
    const length = rows * columns * 2;
    for (let size = 0; size < stream.length - 2; size += 1)
      expect(
        await refusalOf('jpeg-lossless', format, stream.subarray(0, size), length),
        String(size),
      ).toBeDefined();
    for (const one of withChangedBits(stream, 13)) await refusalOf('jpeg-lossless', format, one, length);
  });
});
