import { describe, expect, it } from 'vitest';
import { decodeFrame } from '../../src/pixels/frame.decoder.js';
import type { PixelFormat } from '../../src/pixels/pixel.format.js';
import { expectRefused, refusalOf, withChangedBits } from './altered.streams.ts';
import {
  expectedExtended as expected,
  type ExtendedForm,
  writtenExtended as written,
} from './jpeg.extended.encoder.ts';
import { pixelFormat } from './made.frames.ts';

const size = { rows: 29, columns: 35 };

describe('JPEG extended of 12 bits', () => {
  it.each<ExtendedForm>([
    size,
    { ...size, restart: 1 },
    { ...size, restart: 7, wideSteps: true },
    { rows: 1, columns: 1 },
    { rows: 8, columns: 16 },
    { rows: 700, columns: 1 },
  ])('gives the samples of the formula: %o', async (form) => {
    const format = pixelFormat(16, 12, { rows: form.rows, columns: form.columns });
    const { bytes } = await decodeFrame('jpeg', format, written(form));
    expect(Buffer.from(bytes).equals(expected(form))).toBe(true);
  });

  it('that contradicts the header is refused', async () => {
    const stream = written(size);
    const contradictions: [format: PixelFormat, stream: Uint8Array][] = [
      [pixelFormat(16, 12, { rows: 30, columns: 35 }), stream],
      [pixelFormat(16, 12, { rows: 29, columns: 34 }), stream],
      [pixelFormat(8, 8, size), stream],
      [pixelFormat(16, 13, size), stream],
      [pixelFormat(16, 12, { ...size, photometric: 'RGB' }), stream],
      ...[
        written({ ...size, marker: 0xc2 }),
        written({ ...size, marker: 0xc9 }),
        written({ ...size, precision: 13 }),
        written({ ...size, restart: 3 }).subarray(0, -300),
        Buffer.concat([stream.subarray(0, 2), stream.subarray(134)]),
      ].map((bytes): [PixelFormat, Uint8Array] => [pixelFormat(16, 12, size), bytes]),
    ];
    await expectRefused('jpeg', contradictions);
  });

  it('is refused at every truncation, and decoded to its full length or refused with any bit changed', async () => {
    const stream = written({ ...size, restart: 4 });
    const format = pixelFormat(16, 12, size);
    const length = 29 * 35 * 2;
    for (let size = 0; size < stream.length - 2; size += 1)
      expect(await refusalOf('jpeg', format, stream.subarray(0, size), length), String(size)).toBeDefined();
    for (const one of withChangedBits(stream, 13)) await refusalOf('jpeg', format, one, length);
  });
});
