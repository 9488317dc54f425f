import { PixelsRefused } from '../pixels.refused.js';
import { curveValue, HEADER_BYTES, KNOWN_SPACES, type KnownSpace } from './known.profiles.js';

/** How red, green and blue of 8 bits become X, Y, Z: 256 linear values of each colour, and the colorants of the three colours. */
export interface MatrixSpace {
  readonly curves: readonly Float64Array[];
  readonly colorants: readonly (readonly number[])[];
}

const COLOURS = ['r', 'g', 'b'];
const LEVELS = Array.from({ length: 256 }, (_, level) => level / 255);
/** Largest number of tags. Valid profiles have about twenty. */
const MOST_TAGS = 200;

/** The space of a known profile. */
export function knownSpace(name: keyof typeof KNOWN_SPACES): MatrixSpace {
  const { curve, colorants }: KnownSpace = KNOWN_SPACES[name];
  const values = Float64Array.from(LEVELS, (level) => curveValue(curve, level));
  return { curves: [values, values, values], colorants };
}

/** Throws `PixelsRefused` unless the bytes begin with the header of an ICC profile for red, green and blue (ICC.1 §7.2). */
export function requireRgbProfile(profile: Buffer): void {
  const isProfile =
    profile.length > HEADER_BYTES + 4 &&
    profile.readUInt32BE(0) <= profile.length &&
    profile.readUInt32BE(0) > HEADER_BYTES + 4 &&
    profile.toString('latin1', 36, 40) === 'acsp';
  if (!isProfile) throw new PixelsRefused('its ICC profile is broken');
  if (profile.toString('latin1', 16, 20) !== 'RGB ')
    throw new PixelsRefused('its ICC profile is not for red, green and blue');
}

/**
 * Reads an ICC profile with a matrix and curves (ICC.1 §8.3.3). Throws `PixelsRefused` for a broken profile, and for a profile that has only
 * tables.
 */
export function matrixSpace(profile: Buffer): MatrixSpace {
  requireRgbProfile(profile);
  const tags = tagsOf(profile);
  if (!COLOURS.every((colour) => tags.has(`${colour}XYZ`) && tags.has(`${colour}TRC`)))
    throw new PixelsRefused('its ICC profile has no matrix, so only iccprofile=yes is available');
  return {
    curves: COLOURS.map((colour) => curveOf(tags.get(`${colour}TRC`) ?? Buffer.alloc(0))),
    colorants: COLOURS.map((colour) => colorantOf(tags.get(`${colour}XYZ`) ?? Buffer.alloc(0))),
  };
}

function tagsOf(profile: Buffer): ReadonlyMap<string, Buffer> {
  const count = Math.min(profile.readUInt32BE(HEADER_BYTES), MOST_TAGS);
  const tags = new Map<string, Buffer>();
  for (let index = 0; index < count; index += 1) {
    const at = HEADER_BYTES + 4 + index * 12;
    if (at + 12 > profile.length) throw broken();
    const [from, length] = [profile.readUInt32BE(at + 4), profile.readUInt32BE(at + 8)];
    if (from + length > profile.length) throw broken();
    tags.set(profile.toString('latin1', at, at + 4), profile.subarray(from, from + length));
  }
  return tags;
}

function colorantOf(tag: Buffer): readonly number[] {
  if (tag.length < 20 || tag.toString('latin1', 0, 4) !== 'XYZ ') throw broken();
  return [0, 1, 2].map((index) => fixedAt(tag, 8 + index * 4));
}

function curveOf(tag: Buffer): Float64Array {
  const type = tag.toString('latin1', 0, 4);
  if (tag.length < 12 || (type !== 'curv' && type !== 'para')) throw broken();
  const value = type === 'curv' ? sampledCurve(tag) : parametricCurve(tag);
  return Float64Array.from(LEVELS, (level) => Math.min(1, Math.max(0, value(level))));
}

/** A curve of samples (ICC.1 §10.6): none for a line, one for a power, and more for a table. */
function sampledCurve(tag: Buffer): (x: number) => number {
  const count = tag.readUInt32BE(8);
  if (count === 0) return (x) => x;
  if (12 + count * 2 > tag.length) throw broken();
  const sample = (index: number) => tag.readUInt16BE(12 + Math.min(index, count - 1) * 2);
  if (count === 1) return (x) => x ** (sample(0) / 256);
  return (x) => {
    const place = x * (count - 1);
    const below = Math.floor(place);
    return (sample(below) + (place - below) * (sample(below + 1) - sample(below))) / 65_535;
  };
}

/** A curve of parameters (ICC.1 §10.18, types 0 to 4). */
function parametricCurve(tag: Buffer): (x: number) => number {
  const kind = tag.readUInt16BE(8);
  const needed = [1, 3, 4, 5, 7][kind];
  if (needed === undefined || 12 + needed * 4 > tag.length) throw broken();
  const [g = 1, a = 1, b = 0, c = 0, d = 0, e = 0, f = 0] = Array.from({ length: needed }, (_, index) =>
    fixedAt(tag, 12 + index * 4),
  );
  if (kind === 3) return (x) => curveValue({ g, a, b, c, d }, x);
  if (kind === 4) return (x) => (x >= d ? Math.max(0, a * x + b) ** g + e : c * x + f);
  // Types 1 and 2 are constant where the power begins: below -b/a.
  const offset = kind === 2 ? c : 0;
  return (x) => Math.max(0, a * x + b) ** g + offset;
}

function fixedAt(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) / 65_536;
}

function broken(): PixelsRefused {
  return new PixelsRefused('its ICC profile is broken');
}
