import { Readable } from 'node:stream';
import { inflateSync } from 'node:zlib';
import { array, assert, constantFrom, integer, property, tuple, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DicomElement } from '../../infra/demo/dicom.elements.ts';
import { element } from '../../infra/demo/dicom.writer.ts';
import { convertColours } from '../../src/pixels/colours/colour.conversion.js';
import { profileOf, PROFILES } from '../../src/pixels/colours/image.profile.js';
import { knownProfile } from '../../src/pixels/colours/known.profiles.js';
import { matrixSpace } from '../../src/pixels/colours/matrix.profile.js';
import { readElements } from '../../src/pixels/image.header.js';
import { encodeAnimation, encodePicture } from '../../src/pixels/picture.encoder.js';
import { PixelsRefused } from '../../src/pixels/pixels.refused.js';
import { pictureGeometry } from '../../src/pixels/viewport.js';
import { testFile } from './rendering.ts';

const spaces = ['srgb', 'adobergb', 'rommrgb'] as const;

/** The chromaticities of the three colours and of the white point, and the curves, as the definitions of the spaces state them. */
const definitions = {
  srgb: {
    white: [0.3127, 0.329],
    colours: [
      [0.64, 0.33],
      [0.3, 0.6],
      [0.15, 0.06],
    ],
    light: (x: number) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4),
  },
  adobergb: {
    white: [0.3127, 0.329],
    colours: [
      [0.64, 0.33],
      [0.21, 0.71],
      [0.15, 0.06],
    ],
    light: (x: number) => x ** (563 / 256),
  },
  rommrgb: {
    white: [0.3457, 0.3585],
    colours: [
      [0.7347, 0.2653],
      [0.1596, 0.8404],
      [0.0366, 0.0001],
    ],
    light: (x: number) => (x < 16 / 512 ? x / 16 : x ** 1.8),
  },
} as const;

type Row = readonly [number, number, number];

const NONE: Row = [0, 0, 0];

/** The determinant of three rows. */
function determinant([a, b, c]: readonly [Row, Row, Row]): number {
  return (
    a[0] * (b[1] * c[2] - b[2] * c[1]) -
    a[1] * (b[0] * c[2] - b[2] * c[0]) +
    a[2] * (b[0] * c[1] - b[1] * c[0])
  );
}

/** X, Y, Z of a chromaticity with Y = 1. */
const xyz = ([x, y]: readonly [number, number]): Row => [x / y, 1, (1 - x - y) / y];

/** The share of each colour in the white, by Cramer's rule: the colorants are the chromaticities times these shares. */
function colorants({ white, colours }: (typeof definitions)[(typeof spaces)[number]]): readonly Row[] {
  const [red, green, blue] = [xyz(colours[0]), xyz(colours[1]), xyz(colours[2])];
  const target = xyz(white);
  const whole = determinant([red, green, blue]);
  const shares = [
    determinant([target, green, blue]) / whole,
    determinant([red, target, blue]) / whole,
    determinant([red, green, target]) / whole,
  ];
  return [red, green, blue].map((one, index): Row => {
    const share = shares[index] ?? 0;
    return [one[0] * share, one[1] * share, one[2] * share];
  });
}

describe('the colours of a picture', () => {
  it.each([
    ['adobergb', 'srgb'],
    ['srgb', 'adobergb'],
  ] as const)('are converted from %s to %s as the definitions say', (source, target) => {
    const [from, to] = [colorants(definitions[source]), colorants(definitions[target])];
    const [r = NONE, g = NONE, b = NONE] = to;
    const whole = determinant([r, g, b]);
    const level = integer({ min: 0, max: 255 });
    assert(
      property(tuple(level, level, level), (colour) => {
        const samples = Uint8Array.from(colour);
        convertColours(samples, { source: knownProfile(source), target });
        const light = colour.map((value) => definitions[source].light(value / 255));
        const sum = (axis: 0 | 1 | 2) =>
          from.reduce((all, one, index) => all + one[axis] * (light[index] ?? 0), 0);
        const point: Row = [sum(0), sum(1), sum(2)];
        const expected = [
          determinant([point, g, b]) / whole,
          determinant([r, point, b]) / whole,
          determinant([r, g, point]) / whole,
        ];
        samples.forEach((value, index) => {
          // The light of the written level is at most a level away from the light that the definitions give.
          const wanted = Math.min(1, Math.max(0, expected[index] ?? 0));
          const { light: lightOf } = definitions[target];
          expect(wanted).toBeGreaterThanOrEqual(lightOf(Math.max(0, value - 1) / 255) - 2e-3);
          expect(wanted).toBeLessThanOrEqual(lightOf(Math.min(255, value + 1) / 255) + 2e-3);
        });
      }),
    );
  });

  it('are the same in their own space, and white stays white', () => {
    assert(
      property(constantFrom(...spaces), uint8Array({ minLength: 3, maxLength: 30 }), (space, bytes) => {
        const samples = bytes.slice(0, bytes.length - (bytes.length % 3));
        const before = [...samples];
        convertColours(samples, { source: knownProfile(space), target: space });
        const { light } = definitions[space];
        samples.forEach((value, at) => {
          const apart = Math.abs(value - (before[at] ?? 0));
          // Several levels near black have nearly the same light.
          const lightApart = Math.abs(light(value / 255) - light((before[at] ?? 0) / 255));
          expect(Math.min(apart, lightApart / 5e-5)).toBeLessThanOrEqual(1);
        });
      }),
    );
    for (const source of spaces)
      for (const target of spaces) {
        const samples = Uint8Array.of(255, 255, 255, 0, 0, 0);
        convertColours(samples, { source: knownProfile(source), target });
        expect([source, target, ...samples]).toEqual([source, target, 255, 255, 255, 0, 0, 0]);
      }
  });

  it('with a broken profile are refused, without an error of another kind', () => {
    const whole = knownProfile('srgb');
    const changes = array(tuple(integer({ min: 0, max: whole.length - 1 }), integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 6,
    });
    assert(
      property(changes, integer({ min: 0, max: whole.length }), (bytes, length) => {
        const damaged = Buffer.from(whole);
        for (const [at, value] of bytes) damaged[at] = value;
        for (const profile of [damaged, damaged.subarray(0, length)]) {
          try {
            expect(matrixSpace(profile).curves.every((curve) => curve.length === 256)).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(PixelsRefused);
          }
        }
      }),
    );
  });
});

describe('the ICC profile of a picture', () => {
  const profile = Buffer.concat([knownProfile('rommrgb'), Buffer.alloc(70_001, 7)]);
  const frame = { width: 5, height: 4, channels: 3, samples: new Uint8Array(60).fill(90) } as const;

  it.each(['image/jpeg', 'image/png', 'image/webp'] as const)('is in the picture: %s', async (type) => {
    const geometry = pictureGeometry(frame, 1, undefined);
    if (geometry === undefined) throw new Error('no geometry');
    const plain = await encodePicture(frame, geometry, { type });
    const picture = await encodePicture(frame, geometry, { type }, { profile });
    expect(embedded[type](picture).equals(profile)).toBe(true);
    expect(picture.length).toBeGreaterThan(plain.length);
  });

  it('is in an animation as WebP', async () => {
    const picture = { ...frame, samples: Buffer.from(frame.samples) };
    // Equal frames would become one.
    const other = { ...frame, samples: Buffer.alloc(60, 200) };
    const animation = await encodeAnimation([picture, other], [50, 50], { type: 'image/webp' }, profile);
    expect(embedded['image/webp'](animation).equals(profile)).toBe(true);
    expect(animation.includes('ANIM')).toBe(true);
  });
});

const bytes = (name: (typeof spaces)[number]) => {
  const known = knownProfile(name);
  return element('00282000', 'OB', Buffer.concat([known, Buffer.alloc(known.length % 2)]));
};
const sequence = (tag: string, ...items: DicomElement[][]): DicomElement => ({
  tag,
  vr: 'SQ',
  value: { items },
});
const path = (identifier: string, name: (typeof spaces)[number]) => [
  element('00480106', 'SH', identifier),
  bytes(name),
];
const frameOf = (identifier: string) => [sequence('00480207', [element('00480106', 'SH', identifier)])];

/** The space whose profile belongs to a frame. */
async function found(frame: number, extra: readonly DicomElement[]) {
  const file = testFile({ bytes: Buffer.of(0, 1), extra });
  const { values } = await readElements(Readable.from([file]), PROFILES);
  const profile = profileOf(values, frame);
  return spaces.find((name) => profile !== undefined && knownProfile(name).equals(profile));
}

describe('the ICC profile of a frame', () => {
  it('is the one of its optical path, and otherwise the one of the image', async () => {
    expect(await found(1, [])).toBeUndefined();
    expect(await found(1, [bytes('rommrgb')])).toBe('rommrgb');
    const paths = sequence('00480105', path('a', 'srgb'), path('b', 'adobergb'));
    expect(await found(1, [bytes('rommrgb'), paths])).toBe('srgb');
    expect(await found(1, [paths, sequence('52009229', frameOf('b'))])).toBe('adobergb');
    const frames = sequence('52009230', frameOf('b'), frameOf('a'));
    expect([await found(1, [paths, frames]), await found(2, [paths, frames])]).toEqual(['adobergb', 'srgb']);
  });

  it('is refused when it is broken', async () => {
    const damaged = Buffer.from(knownProfile('srgb')).fill(0, 36, 40);
    for (const value of [Buffer.alloc(6), Buffer.alloc(400), damaged])
      await expect(found(1, [element('00282000', 'OB', value)])).rejects.toBeInstanceOf(PixelsRefused);
  });
});

/** Reads the profile of a picture. */
const embedded = {
  'image/jpeg': (picture: Buffer) => {
    const parts: Buffer[] = [];
    for (
      let at = 2;
      picture[at + 1] === 0xe2 || picture[at + 1] === 0xe0;
      at += 2 + picture.readUInt16BE(at + 2)
    ) {
      const end = at + 2 + picture.readUInt16BE(at + 2);
      if (picture.toString('latin1', at + 4, at + 16) === 'ICC_PROFILE\0')
        parts.push(picture.subarray(at + 18, end));
    }
    return Buffer.concat(parts);
  },
  'image/png': (picture: Buffer) => {
    const at = picture.indexOf('iCCP');
    const length = picture.readUInt32BE(at - 4);
    return inflateSync(picture.subarray(at + 4 + 'icc\0\0'.length, at + 4 + length));
  },
  'image/webp': (picture: Buffer) => {
    expect(picture.readUInt32LE(4)).toBe(picture.length - 8);
    expect([picture.toString('latin1', 12, 16), (picture[20] ?? 0) & 0x20]).toEqual(['VP8X', 0x20]);
    expect([picture.readUIntLE(24, 3), picture.readUIntLE(27, 3)]).toEqual([4, 3]);
    expect(picture.toString('latin1', 30, 34)).toBe('ICCP');
    return picture.subarray(38, 38 + picture.readUInt32LE(34));
  },
};
