import { colourOf, coloursOfGrey, isIndex, type Palette } from './palette.js';
import { type PixelFormat, samplesOf } from './pixel.format.js';
import { storedValue, wordsOfFrame } from './stored.samples.js';
import { WHITE } from './voi.functions.js';

/** Renders a colour frame as red, green and blue with 8 bits each, pixel by pixel. `bytes` are in little endian. */
export function renderColour(format: PixelFormat, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (format.photometric === 'YBR_FULL_422') return toRgb(doubledChrominance(bytes));
  const samples = isWholeByte(format) ? bytes : toBytes(format, wordsOfFrame(format, bytes, 0));
  const pixels = format.isPlanar ? interleaved(samples, format) : samples;
  return format.photometric === 'YBR_FULL' ? toRgb(pixels) : Uint8Array.from(pixels);
}

/** Renders a frame of palette indexes (PS3.3 §C.7.6.3.1.5). `firstBit`: see `wordsOfFrame`. */
export function renderPalette(
  format: PixelFormat,
  palette: Palette,
  bytes: Uint8Array,
  firstBit: number,
): Uint8Array<ArrayBuffer> {
  const words = wordsOfFrame(format, bytes, firstBit);
  const stored = storedValue(format);
  const isKnown = new Uint8Array(65_536);
  const colours = new Uint8Array(65_536 * 3);
  const out = new Uint8Array(words.length * 3);
  for (let at = 0, to = 0; at < words.length; at += 1, to += 3) {
    const word = words[at] ?? 0;
    if (isKnown[word] === 0) {
      isKnown[word] = 1;
      colours.set(colourOf(palette, stored(word)), word * 3);
    }
    out[to] = colours[word * 3] ?? 0;
    out[to + 1] = colours[word * 3 + 1] ?? 0;
    out[to + 2] = colours[word * 3 + 2] ?? 0;
  }
  return out;
}

/**
 * Gives the indexes of a grey frame their colours (PS3.3 §C.7.6.19). `grey`: the rendered grey of all pixels. `firstBit`: see `wordsOfFrame`.
 */
export function renderSupplement(
  format: PixelFormat,
  palette: Palette,
  bytes: Uint8Array,
  firstBit: number,
  grey: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const words = wordsOfFrame(format, bytes, firstBit);
  const stored = storedValue(format);
  const out = new Uint8Array(grey.length * 3);
  for (let at = 0; at < grey.length; at += 1) {
    const value = stored(words[at] ?? 0);
    if (isIndex(palette, value)) out.set(colourOf(palette, value), at * 3);
    else out.fill(grey[at] ?? 0, at * 3, at * 3 + 3);
  }
  return out;
}

/** Gives each grey its pseudo-colour (PS3.4 §N.2.4). */
export function renderGreyColours(palette: Palette, grey: Uint8Array): Uint8Array<ArrayBuffer> {
  const colours = coloursOfGrey(palette);
  const out = new Uint8Array(grey.length * 3);
  for (let at = 0; at < grey.length; at += 1) {
    const from = (grey[at] ?? 0) * 3;
    out[at * 3] = colours[from] ?? 0;
    out[at * 3 + 1] = colours[from + 1] ?? 0;
    out[at * 3 + 2] = colours[from + 2] ?? 0;
  }
  return out;
}

function isWholeByte({ bitsAllocated, bitsStored }: PixelFormat): boolean {
  return bitsAllocated === 8 && bitsStored === 8;
}

/** Scales samples of any number of bits to 8 bits. */
function toBytes(format: PixelFormat, words: Uint8Array | Uint16Array): Uint8Array<ArrayBuffer> {
  const stored = storedValue(format);
  const largest = 2 ** format.bitsStored - 1;
  const table = Uint8Array.from({ length: 2 ** format.bitsAllocated }, (_, word) =>
    Math.round((stored(word) / largest) * WHITE),
  );
  const out = new Uint8Array(words.length);
  for (let at = 0; at < out.length; at += 1) out[at] = table[words[at] ?? 0] ?? 0;
  return out;
}

function interleaved(planes: Uint8Array, format: PixelFormat): Uint8Array<ArrayBuffer> {
  const size = samplesOf(format) / 3;
  const out = new Uint8Array(size * 3);
  for (let plane = 0; plane < 3; plane += 1)
    for (let at = 0; at < size; at += 1) out[at * 3 + plane] = planes[plane * size + at] ?? 0;
  return out;
}

/** Gives each pixel of YBR_FULL_422 its chrominance: two pixels are stored as Y1, Y2, CB, CR (PS3.3 §C.7.6.3.1.2). */
function doubledChrominance(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array((bytes.length / 2) * 3);
  for (let from = 0, to = 0; from + 3 < bytes.length; from += 4, to += 6) {
    out[to] = bytes[from] ?? 0;
    out[to + 3] = bytes[from + 1] ?? 0;
    const cb = bytes[from + 2] ?? 0;
    const cr = bytes[from + 3] ?? 0;
    out[to + 1] = cb;
    out[to + 2] = cr;
    out[to + 4] = cb;
    out[to + 5] = cr;
  }
  return out;
}

/** Converts YBR_FULL to RGB. This is the inverse of the equations of PS3.3 §C.7.6.3.1.2. */
function toRgb(ybr: Uint8Array): Uint8Array<ArrayBuffer> {
  // Assignments to this array round to the nearest even number and clamp.
  const out = new Uint8ClampedArray(ybr.length);
  for (let at = 0; at + 2 < ybr.length; at += 3) {
    const y = ybr[at] ?? 0;
    const cb = (ybr[at + 1] ?? 0) - 128;
    const cr = (ybr[at + 2] ?? 0) - 128;
    out[at] = y + 1.402 * cr;
    out[at + 1] = y - 0.344136 * cb - 0.714136 * cr;
    out[at + 2] = y + 1.772 * cb;
  }
  return new Uint8Array(out.buffer);
}
