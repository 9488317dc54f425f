import { describe, expect, it } from 'vitest';
import { decodeFrame } from '../../src/pixels/frame.decoder.js';
import type { PixelFormat } from '../../src/pixels/pixel.format.js';
import { expectRefused, refusalOf, withChangedBits } from './altered.streams.ts';
import {
  expectedExtended as expected,
  type ExtendedForm,
  rgbOf,
  writtenExtended as written,
} from './jpeg.extended.encoder.ts';
import { segment } from './jpeg.writer.ts';
import { bytesOf, pixelFormat } from './made.frames.ts';

const size = { rows: 29, columns: 35 };
const JFIF = segment(0xe0, ...Buffer.from('JFIF\0'), 1, 1, 0, 0, 1, 0, 1, 0, 0);
const adobe = (transform: number) => segment(0xee, ...Buffer.from('Adobe'), 0, 100, 0, 0, 0, 0, transform);

function mostDifference(one: ArrayLike<number>, other: ArrayLike<number>): number {
  expect(one.length).toBe(other.length);
  return Math.max(...Array.from(one, (value, at) => Math.abs(value - (other[at] ?? 0))));
}

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
    expect(Buffer.from(bytes).equals(bytesOf(expected(form), 2))).toBe(true);
  });

  it.each<Partial<ExtendedForm>>([
    {},
    { isSeparate: true },
    { restart: 3 },
    {
      factors: [
        [2, 1],
        [1, 1],
        [1, 1],
      ],
    },
    {
      factors: [
        [2, 2],
        [1, 1],
        [1, 1],
      ],
      restart: 2,
    },
    {
      factors: [
        [2, 2],
        [1, 1],
        [1, 1],
      ],
      isSeparate: true,
    },
    {
      factors: [
        [1, 1],
        [2, 2],
        [1, 2],
      ],
    },
    {
      factors: [
        [4, 1],
        [1, 1],
        [2, 1],
      ],
    },
    {
      factors: [
        [2, 2],
        [1, 1],
        [1, 1],
      ],
      rows: 1,
      columns: 1,
    },
  ])('of colours gives the samples of the formula: %o', async (form) => {
    const colours = {
      ...size,
      factors: [
        [1, 1],
        [1, 1],
        [1, 1],
      ],
      ...form,
    } as const;
    const { rows, columns } = colours;
    const values = expected(colours);
    for (const [photometric, isRgb, more] of [
      ['RGB', true, {}],
      ['RGB', false, { extra: JFIF }],
      ['RGB', false, { extra: adobe(1) }],
      ['YBR_FULL', false, {}],
      ['YBR_FULL_422', false, {}],
      ['YBR_FULL', true, { extra: adobe(0) }],
      ['YBR_FULL', true, { identifiers: [82, 71, 66] }],
    ] as const) {
      const format = pixelFormat(16, 12, { rows, columns, photometric });
      const decoded = await decodeFrame('jpeg', format, written({ ...colours, ...more }));
      expect(decoded.format.photometric).toBe('RGB');
      const words = new Uint16Array(decoded.bytes.buffer);
      expect(mostDifference(words, isRgb ? values : rgbOf(values))).toBeLessThanOrEqual(isRgb ? 0 : 1);
    }
  });

  it('that contradicts the header is refused', async () => {
    const stream = written(size);
    const contradictions: [format: PixelFormat, stream: Uint8Array][] = [
      [pixelFormat(16, 12, { rows: 30, columns: 35 }), stream],
      [pixelFormat(16, 12, { rows: 29, columns: 34 }), stream],
      [pixelFormat(8, 8, size), stream],
      [pixelFormat(16, 13, size), stream],
      [pixelFormat(16, 12, { ...size, photometric: 'RGB' }), stream],
      [pixelFormat(16, 12, size), written({ ...size, factors: [[5, 1]] })],
      ...(
        [
          {
            factors: [
              [2, 2],
              [1, 1],
            ],
          },
          {
            factors: [
              [4, 2],
              [1, 2],
              [1, 1],
            ],
          },
          {
            factors: [
              [1, 1],
              [0, 1],
              [1, 1],
            ],
          },
          {
            factors: [
              [1, 1],
              [1, 1],
              [1, 1],
            ],
            identifiers: [1, 1, 2],
            isSeparate: true,
          },
        ] as const
      ).map((form): [PixelFormat, Uint8Array] => [
        pixelFormat(16, 12, { ...size, photometric: 'RGB' }),
        written({ ...size, ...form }),
      ]),
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
