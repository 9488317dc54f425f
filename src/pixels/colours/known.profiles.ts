/** The colour spaces that a client can ask for (PS3.18 §8.3.5.1.5). */
export const COLOUR_SPACES = ['srgb', 'adobergb', 'rommrgb'] as const;
export type ColourSpaceName = (typeof COLOUR_SPACES)[number];

/** A curve from an encoded value to light, both from 0 to 1: (a·x + b)^g from d, and c·x below (ICC.1 §10.18, type 3). */
export interface ParametricCurve {
  readonly g: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/**
 * A colour space of red, green and blue: one curve, and the colorants as X, Y, Z of the profile connection space (D50). `adaptation`: the matrix
 * that changes the white of the space to D50, row by row.
 */
export interface KnownSpace {
  readonly description: string;
  readonly curve: ParametricCurve;
  readonly colorants: readonly (readonly [x: number, y: number, z: number])[];
  readonly adaptation?: readonly number[];
}

/** The Bradford adaptation from D65 to D50 (ICC.1 annex E). */
const D65_TO_D50 = [
  1.0478112, 0.0228866, -0.050127, 0.0295424, 0.9904844, -0.0170491, -0.0092345, 0.0150436, 0.7521316,
];

/** sRGB (IEC 61966-2-1), Adobe RGB (1998) and ROMM RGB (ISO 22028-2). */
export const KNOWN_SPACES: Readonly<Record<ColourSpaceName, KnownSpace>> = {
  srgb: {
    description: 'sRGB',
    curve: { g: 2.4, a: 1 / 1.055, b: 0.055 / 1.055, c: 1 / 12.92, d: 0.04045 },
    colorants: [
      [0.4360747, 0.2225045, 0.0139322],
      [0.3850649, 0.7168786, 0.0971045],
      [0.1430804, 0.0606169, 0.7141733],
    ],
    adaptation: D65_TO_D50,
  },
  adobergb: {
    description: 'compatible with Adobe RGB (1998)',
    curve: { g: 563 / 256, a: 1, b: 0, c: 0, d: 0 },
    colorants: [
      [0.6097559, 0.3111242, 0.0194811],
      [0.2052401, 0.625656, 0.0608902],
      [0.149224, 0.0632197, 0.7448387],
    ],
    adaptation: D65_TO_D50,
  },
  rommrgb: {
    description: 'ROMM RGB',
    curve: { g: 1.8, a: 1, b: 0, c: 1 / 16, d: 1 / 32 },
    colorants: [
      [0.7976749, 0.2880402, 0],
      [0.1351917, 0.7118741, 0],
      [0.0313534, 0.0000857, 0.82521],
    ],
  },
};

/** The value of a curve. */
export function curveValue({ g, a, b, c, d }: ParametricCurve, x: number): number {
  return x >= d ? Math.max(0, a * x + b) ** g : c * x;
}

/** Writes the ICC profile of a colour space (ICC.1:2010, version 4.3, a display profile with matrix and curves). */
export function knownProfile(name: ColourSpaceName): Buffer {
  const { description, curve, colorants, adaptation } = KNOWN_SPACES[name];
  const [red = [], green = [], blue = []] = colorants;
  const parametric = Buffer.concat([
    Buffer.from('para\0\0\0\0\0\x03\0\0', 'latin1'),
    fixed(Object.values(curve)),
  ]);
  const tags: readonly (readonly [string, Buffer])[] = [
    ['desc', localised(description)],
    ['cprt', localised('No copyright, use freely')],
    ['wtpt', numbers('XYZ ', D50)],
    ...(adaptation === undefined ? [] : [['chad', numbers('sf32', adaptation)] as const]),
    ['rXYZ', numbers('XYZ ', red)],
    ['gXYZ', numbers('XYZ ', green)],
    ['bXYZ', numbers('XYZ ', blue)],
    ['rTRC', parametric],
    ['gTRC', parametric],
    ['bTRC', parametric],
  ];
  const table = Buffer.alloc(4 + tags.length * 12);
  table.writeUInt32BE(tags.length);
  let at = HEADER_BYTES + table.length;
  tags.forEach(([signature, { length }], index) => {
    table.write(signature, 4 + index * 12, 'latin1');
    table.writeUInt32BE(at, 8 + index * 12);
    table.writeUInt32BE(length, 12 + index * 12);
    at += length;
  });
  return Buffer.concat([header(at), table, ...tags.map(([, data]) => data)]);
}

export const HEADER_BYTES = 128;
const D50 = [0.9642, 1, 0.8249];

function header(size: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt32BE(size);
  bytes.writeUInt32BE(0x04300000, 8);
  bytes.write('mntrRGB XYZ ', 12, 'latin1');
  // 2026-01-01, a fixed date, so that equal pictures are equal bytes.
  [2026, 1, 1].forEach((part, index) => bytes.writeUInt16BE(part, 24 + index * 2));
  bytes.write('acsp', 36, 'latin1');
  fixed(D50).copy(bytes, 68);
  return bytes;
}

/** Numbers with 16 bits before and 16 bits after the point. */
function fixed(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeInt32BE(Math.round(value * 65_536), index * 4));
  return bytes;
}

function numbers(type: string, values: readonly number[]): Buffer {
  return Buffer.concat([Buffer.from(`${type}\0\0\0\0`, 'latin1'), fixed(values)]);
}

/** A text in English (ICC.1 §10.15), padded to a multiple of four bytes. */
function localised(text: string): Buffer {
  const characters = Buffer.from(text.padEnd(text.length + (text.length % 2)), 'utf16le').swap16();
  const head = Buffer.from('mluc\0\0\0\0\0\0\0\x01\0\0\0\x0cenUS', 'latin1');
  const place = Buffer.alloc(8);
  place.writeUInt32BE(text.length * 2);
  place.writeUInt32BE(28, 4);
  return Buffer.concat([head, place, characters]);
}
