import { type LookupTable, lookUp } from './lookup.table.js';
import { isIndex } from './palette.js';
import { type PixelFormat, samplesOf } from './pixel.format.js';
import type { Presentation } from './presentation.js';
import { storedValue, wideSamples, wordsOfFrame } from './stored.samples.js';
import { rangeFunction, WHITE, windowFunction } from './voi.functions.js';

/**
 * Renders a grey frame with 8 bits per pixel, by the grayscale transformations of PS3.4 §N.2: modality, then VOI, then presentation. `bytes`
 * are in little endian. `firstBit`: see `wordsOfFrame`.
 */
export function renderGrey(
  format: PixelFormat,
  presentation: Presentation,
  bytes: Uint8Array,
  firstBit: number,
): Uint8Array<ArrayBuffer> {
  return format.bitsAllocated <= 16
    ? renderByTable(format, presentation, wordsOfFrame(format, bytes, firstBit))
    : renderOneByOne(format, presentation, wideSamples(format, bytes));
}

/** Computes the grey of each word that occurs, and then looks the pixels up. */
function renderByTable(
  format: PixelFormat,
  presentation: Presentation,
  words: Uint8Array | Uint16Array,
): Uint8Array<ArrayBuffer> {
  const occurs = new Uint8Array(2 ** Math.max(format.bitsAllocated, 8));
  const count = words.length;
  for (let at = 0; at < count; at += 1) occurs[words[at] ?? 0] = 1;
  const stored = storedValue(format);
  const values: number[] = [];
  for (let word = 0; word < occurs.length; word += 1) if (occurs[word] === 1) values.push(stored(word));
  const grey = greyFunction(presentation, () => extent(presentation, values));
  const table = new Uint8Array(occurs.length);
  for (let word = 0; word < occurs.length; word += 1)
    if (occurs[word] === 1) table[word] = grey(stored(word));
  const out = new Uint8Array(count);
  for (let at = 0; at < count; at += 1) out[at] = table[words[at] ?? 0] ?? 0;
  return out;
}

function renderOneByOne(
  format: PixelFormat,
  presentation: Presentation,
  sample: (at: number) => number,
): Uint8Array<ArrayBuffer> {
  const count = samplesOf(format);
  function* samples() {
    for (let at = 0; at < count; at += 1) yield sample(at);
  }
  const grey = greyFunction(presentation, () => extent(presentation, samples()));
  const out = new Uint8Array(count);
  for (let at = 0; at < count; at += 1) out[at] = grey(sample(at));
  return out;
}

/** The smallest and the largest value in modality units. Padding and numbers that are not finite do not count. */
function extent(
  presentation: Presentation,
  stored: Iterable<number>,
): readonly [least: number, most: number] {
  const modality = modalityFunction(presentation);
  const [from, to] = presentation.padding ?? [Infinity, -Infinity];
  let [least, most] = [Infinity, -Infinity];
  for (const one of stored) {
    if ((one >= from && one <= to) || isIndex(presentation.supplement, one)) continue;
    const value = modality(one);
    if (!Number.isFinite(value)) continue;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}

/** Returns the function from a stored value to grey. A value that is not finite is black, also when small values are white. */
function greyFunction(
  presentation: Presentation,
  range: () => readonly [least: number, most: number],
): (stored: number) => number {
  const modality = modalityFunction(presentation);
  const voi = voiFunction(presentation, range);
  const { isInverse, table } = presentation;
  return (stored) => {
    const value = modality(stored);
    if (!Number.isFinite(value)) return 0;
    const grey = voi(value);
    if (table !== undefined) return Math.round(presented(table, grey));
    return Math.round(isInverse ? WHITE - grey : grey);
  };
}

/** Applies a Presentation LUT. The range of grey is the range of its inputs (PS3.3 §C.11.6.1). */
function presented(table: LookupTable, grey: number): number {
  const input = table.first + (grey / WHITE) * (table.entries.length - 1);
  return (lookUp(table, input) / (2 ** table.bits - 1)) * WHITE;
}

function modalityFunction({ modality }: Presentation): (stored: number) => number {
  if ('table' in modality) return (stored) => lookUp(modality.table, stored);
  const { slope, intercept } = modality;
  return (stored) => stored * slope + intercept;
}

function voiFunction(
  { voi }: Presentation,
  range: () => readonly [least: number, most: number],
): (value: number) => number {
  if ('window' in voi) return windowFunction(voi.window);
  if ('table' in voi) {
    const largest = 2 ** voi.table.bits - 1;
    return (value) => (lookUp(voi.table, value) / largest) * WHITE;
  }
  const [least, most] = voi.least !== undefined && voi.most !== undefined ? [0, 0] : range();
  return rangeFunction(voi.least ?? least, voi.most ?? most);
}
