import { inflateSync } from 'node:zlib';
import { PixelsRefused } from '../pixels.refused.js';
import { MOST_PICTURE_SAMPLES, type OpenedPicture } from './opened.picture.js';
import { upright } from './picture.orientation.js';
import { pngParts, type PngParts } from './png.chunks.js';
import { samplesOfPass } from './png.filters.js';
import { storedSamples } from './png.samples.js';

/** A part of an interlaced picture: the first column and row, and the distances (§8.1). */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
}

const WHOLE: readonly Pass[] = [{ x: 0, y: 0, stepX: 1, stepY: 1 }];
const ADAM7: readonly Pass[] = [
  { x: 0, y: 0, stepX: 8, stepY: 8 },
  { x: 4, y: 0, stepX: 8, stepY: 8 },
  { x: 0, y: 4, stepX: 4, stepY: 8 },
  { x: 2, y: 0, stepX: 4, stepY: 4 },
  { x: 0, y: 2, stepX: 2, stepY: 4 },
  { x: 1, y: 0, stepX: 2, stepY: 2 },
  { x: 0, y: 1, stepX: 1, stepY: 2 },
];
/** Channels of each colour type. */
const CHANNELS: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
]);

/**
 * Opens a PNG file. All samples keep their values: grey of 1, 2 and 4 bits is scaled to 8 bits, palette colours become RGB. Throws
 * `PixelsRefused` when the file is broken, has transparent pixels, or has colours of 16 bits.
 */
export function openPng(file: Uint8Array): OpenedPicture {
  const parts = pngParts(file);
  const { width, height, depth, colourType, orientation, profile } = parts;
  const channels = CHANNELS.get(colourType) ?? 1;
  if (width * height * Math.max(channels, 3) > MOST_PICTURE_SAMPLES)
    throw new PixelsRefused('it has too many pixels');
  if (depth === 16 && (colourType === 2 || colourType === 6))
    throw new PixelsRefused('colours of 16 bits are not supported');
  const { samples, photometric, notes } = storedSamples(parts, rawSamples(parts, channels));
  const bits = depth === 16 ? 16 : 8;
  const pixelBytes = (photometric === 'RGB' ? 3 : 1) * (bits / 8);
  const turned = upright({ width, height, pixelBytes, bytes: samples }, orientation);
  return {
    rows: turned.height,
    columns: turned.width,
    bits,
    photometric,
    isJpeg: false,
    isLossy: false,
    ratio: 1,
    profile,
    bytes: turned.bytes,
    notes: orientation === 1 ? notes : [...notes, 'Turned the picture upright. No sample changed.'],
  };
}

/** The samples of all channels, one or two bytes each (big endian). Samples of less than 8 bits get one byte, without scaling. */
function rawSamples(parts: PngParts, channels: number): Uint8Array {
  const { width, height, depth, isInterlaced, compressed } = parts;
  const used = (isInterlaced ? ADAM7 : WHOLE).flatMap(({ x, y, stepX, stepY }) => {
    const [columns, rows] = [Math.ceil((width - x) / stepX), Math.ceil((height - y) / stepY)];
    return columns > 0 && rows > 0 ? [{ x, y, stepX, stepY, columns, rows }] : [];
  });
  const lineBytes = (columns: number) => Math.ceil((columns * channels * depth) / 8);
  const size = used.reduce((sum, { columns, rows }) => sum + rows * (lineBytes(columns) + 1), 0);
  const inflated = inflate(compressed, size);
  const pixelBytes = channels * (depth === 16 ? 2 : 1);
  const out = new Uint8Array(width * height * pixelBytes);
  let at = 0;
  for (const { x, y, stepX, stepY, columns, rows } of used) {
    const bytes = inflated.subarray(at, at + rows * (lineBytes(columns) + 1));
    at += bytes.length;
    const samples = samplesOfPass(bytes, { columns, rows, channels, depth });
    for (let row = 0; row < rows; row += 1)
      for (let column = 0; column < columns; column += 1) {
        const from = (row * columns + column) * pixelBytes;
        const to = ((y + row * stepY) * width + x + column * stepX) * pixelBytes;
        for (let part = 0; part < pixelBytes; part += 1) out[to + part] = samples[from + part] ?? 0;
      }
  }
  return out;
}

/** Inflates the pixels. The output is limited to the size that the header says. */
function inflate(compressed: readonly Uint8Array[], size: number): Uint8Array {
  let inflated: Uint8Array;
  try {
    inflated = inflateSync(Buffer.concat(compressed), { maxOutputLength: size });
  } catch {
    throw new PixelsRefused('its pixels are broken, incomplete or too many');
  }
  if (inflated.length !== size) throw new PixelsRefused('its pixels are incomplete');
  return inflated;
}
