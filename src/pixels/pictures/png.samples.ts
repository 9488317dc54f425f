import { PixelsRefused } from '../pixels.refused.js';
import type { PngParts } from './png.chunks.js';

/** Samples in the form of DICOM: grey or RGB, pixel by pixel, 16 bits in little endian. */
export interface StoredSamples {
  readonly samples: Uint8Array<ArrayBuffer>;
  readonly photometric: 'MONOCHROME2' | 'RGB';
  readonly notes: readonly string[];
}

const [GREY, PALETTE, GREY_ALPHA, RGB_ALPHA] = [0, 3, 4, 6];

/** Converts the samples of a PNG file. Throws `PixelsRefused` for transparent pixels, because DICOM images have no transparency. */
export function storedSamples(parts: PngParts, raw: Uint8Array): StoredSamples {
  const { colourType, depth } = parts;
  if (colourType === PALETTE) return paletteColours(parts, raw);
  const bytes = depth === 16 ? 2 : 1;
  if (colourType === GREY_ALPHA || colourType === RGB_ALPHA)
    return withoutAlpha(raw, colourType === GREY_ALPHA ? 1 : 3, bytes);
  refuseTransparentColour(parts, raw, bytes);
  if (colourType !== GREY) return { samples: Uint8Array.from(raw), photometric: 'RGB', notes: [] };
  if (depth === 16) return { samples: swapped(raw), photometric: 'MONOCHROME2', notes: [] };
  const scale = 255 / ((1 << depth) - 1);
  return { samples: Uint8Array.from(raw, (sample) => sample * scale), photometric: 'MONOCHROME2', notes: [] };
}

function paletteColours({ palette, transparency }: PngParts, raw: Uint8Array): StoredSamples {
  const samples = new Uint8Array(raw.length * 3);
  for (let at = 0; at < raw.length; at += 1) {
    const index = raw[at] ?? 0;
    if (index * 3 + 3 > palette.length) throw new PixelsRefused('a pixel is not in its palette');
    if ((transparency?.[index] ?? 255) !== 255) throw transparent();
    for (let part = 0; part < 3; part += 1) samples[at * 3 + part] = palette[index * 3 + part] ?? 0;
  }
  return { samples, photometric: 'RGB', notes: ['Replaced the palette by the colours of the pixels.'] };
}

/** Removes the alpha channel if all pixels are opaque. */
function withoutAlpha(raw: Uint8Array, colours: 1 | 3, bytes: number): StoredSamples {
  const [from, to] = [(colours + 1) * bytes, colours * bytes];
  const samples = new Uint8Array((raw.length / from) * to);
  for (let pixel = 0; pixel * from < raw.length; pixel += 1) {
    for (let part = to; part < from; part += 1) if (raw[pixel * from + part] !== 255) throw transparent();
    for (let part = 0; part < to; part += 1) samples[pixel * to + part] = raw[pixel * from + part] ?? 0;
  }
  const notes = ['Removed the alpha channel, in which all pixels were opaque.'];
  const photometric = colours === 1 ? 'MONOCHROME2' : 'RGB';
  return { samples: bytes === 2 ? swapped(samples) : samples, photometric, notes };
}

/** A grey or RGB picture can name one colour that is transparent. */
function refuseTransparentColour(
  { transparency, colourType }: PngParts,
  raw: Uint8Array,
  bytes: number,
): void {
  if (transparency === undefined) return;
  const channels = colourType === GREY ? 1 : 3;
  if (transparency.length !== channels * 2) throw new PixelsRefused('its transparency is broken');
  const size = channels * bytes;
  const colour = transparency.filter((_, at) => bytes === 2 || at % 2 === 1);
  for (let at = 0; at < raw.length; at += size)
    if (colour.every((sample, part) => sample === raw[at + part])) throw transparent();
}

function swapped(words: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = Uint8Array.from(words);
  for (let at = 0; at + 1 < out.length; at += 2) {
    out[at] = words[at + 1] ?? 0;
    out[at + 1] = words[at] ?? 0;
  }
  return out;
}

function transparent(): PixelsRefused {
  return new PixelsRefused('it has transparent pixels. Save it without transparency');
}
