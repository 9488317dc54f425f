import { describe, expect, it } from 'vitest';
import { decodedFormat, decodeFrame } from '../../src/pixels/frame.decoder.js';
import { longForm } from '../support/long.form.ts';
import { expectRefused, refusalOf, withChangedBits } from './altered.streams.ts';
import { encodedHtj2k as encoded } from './htj2k.encoder.ts';
import { greyRoundTrip } from './grey.round.trip.ts';
import { bytesOf, columns, painted, pixelFormat, rows } from './made.frames.ts';

const values = painted(rows * columns, 12);
const grey = () => encoded(bytesOf(values, 2), 12);

describe('HTJ2K', () => {
  greyRoundTrip('htj2k', encoded);

  it.each([
    [16, 12],
    [16, 16],
    [8, 8],
    [16, 8],
  ])('signed grey of %i bits with %i stored gets its sign', async (allocated, stored) => {
    const signed = painted(rows * columns, stored).map((value) => value - 2 ** (stored - 1));
    // A signed component is coded like an unsigned component with a level shift of half its range. Only the sign in SIZ differs.
    const shifted = signed.map((value) => value + 2 ** (stored - 1));
    const stream = await encoded(bytesOf(shifted, stored > 8 ? 2 : 1), stored);
    stream[42] = 0x80 + stored - 1;
    const format = pixelFormat(allocated, stored, { isSigned: true });
    const { bytes } = await decodeFrame('htj2k', format, stream);
    expect(bytes).toEqual(bytesOf(signed, allocated > 8 ? 2 : 1));
  });

  it.each([
    ['RGB', false],
    ['YBR_RCT', true],
    ['YBR_FULL', false],
  ] as const)('colours called %s (transformed: %s) come pixel by pixel', async (photometric, transform) => {
    const colours = painted(rows * columns * 3, 8);
    const stream = await encoded(bytesOf(colours, 1), 8, { components: 3, transform });
    const format = pixelFormat(8, 8, { photometric, isPlanar: true });
    const decoded = await decodeFrame('htj2k', format, stream);
    expect(decoded.bytes).toEqual(bytesOf(colours, 1));
    const named = photometric === 'YBR_RCT' ? 'RGB' : photometric;
    expect(decoded.format).toMatchObject({ photometric: named, isPlanar: false });
    expect(decodedFormat(format, 'htj2k')).toEqual(decoded.format);
  });

  it('of several tiles, of each progression and with lengths in its header comes back exactly', async () => {
    const bytes = bytesOf(values, 2);
    const forms = [{ tile: 16 }, ...[0, 1, 2, 3, 4].map((order) => ({ order })), { order: 2, markers: true }];
    for (const form of forms) {
      const stream = await encoded(bytes, 12, form);
      for (const one of [stream, Buffer.concat([stream, Buffer.alloc(1)]), stream.subarray(0, -2)])
        expect((await decodeFrame('htj2k', pixelFormat(16, 12), one)).bytes).toEqual(bytes);
    }
  });

  it('lossy stays near', async () => {
    const smooth = Array.from({ length: rows * columns }, (_, at) => 100 + (at % columns) * 3);
    const stream = await encoded(bytesOf(smooth, 1), 8, { step: 1 / 256 });
    const { bytes } = await decodeFrame('htj2k', pixelFormat(8, 8), stream);
    expect(Math.max(...smooth.map((value, at) => Math.abs(value - (bytes[at] ?? 0))))).toBeLessThanOrEqual(3);
  });

  it('that contradicts the header is refused', async () => {
    const stream = await grey();
    const colour = await encoded(bytesOf(painted(rows * columns * 3, 8), 1), 8, { components: 3 });
    const open = Uint8Array.from(stream);
    // A tile-part without a length needs an end marker.
    open.fill(0, Buffer.from(stream).indexOf(Buffer.from('ff90', 'hex')) + 6).fill(0, -2);
    await expectRefused('htj2k', [
      [pixelFormat(16, 12, { rows: 22 }), stream],
      [pixelFormat(16, 12, { columns: 32 }), stream],
      [pixelFormat(8, 8), stream],
      [pixelFormat(32, 12), stream],
      [pixelFormat(8, 8, { photometric: 'RGB' }), stream],
      [pixelFormat(8, 8), colour],
      [pixelFormat(8, 8, { photometric: 'YBR_FULL_422' }), colour],
      [pixelFormat(16, 12), open],
      [pixelFormat(16, 12), new Uint8Array(0)],
      [pixelFormat(16, 12), new Uint8Array(500)],
    ]);
  });

  it('is refused when truncated, and decoded to its full length or refused with any bit changed', async () => {
    const format = pixelFormat(16, 12);
    const stream = await grey();
    const length = rows * columns * 2;
    for (let size = 0; size < stream.length - 2; size += longForm(1, 41))
      expect(await refusalOf('htj2k', format, stream.subarray(0, size), length), String(size)).toBeDefined();
    for (const one of withChangedBits(stream, longForm(3, 131)))
      await refusalOf('htj2k', format, one, length);
  });
});
