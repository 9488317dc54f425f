import { nativeSamples, requireAgreement } from './decoded.samples.js';
import { BLOCK, inverseTransform, ZIGZAG } from './jpeg.cosines.js';
import { brokenJpeg, type HuffmanTable, JpegBits } from './jpeg.huffman.js';
import type { JpegFrameHeader } from './jpeg.markers.js';
import { scansOf } from './jpeg.scans.js';
import { type PixelFormat, samplesOf } from '../pixel.format.js';
import { PixelsRefused } from '../pixels.refused.js';

const SIDE = 8;
/** A run of 16 zeros, and the end of a block. */
const ZERO_RUN = 0xf0;
/** Largest size of a difference of DC coefficients of 12 bits, and of an AC coefficient (ISO/IEC 10918-1 tables F.6, F.7). */
const LARGEST_DC = 15;
const LARGEST_AC = 14;

/**
 * Decodes a grey frame of JPEG extended sequential with Huffman coding (ISO/IEC 10918-1 Annex F) of 12 bits per sample. Throws
 * `PixelsRefused` when the stream contradicts the format, is broken, or does not contain every block.
 */
export function decodeJpeg12(
  format: PixelFormat,
  header: JpegFrameHeader,
  encoded: Uint8Array,
): Uint8Array<ArrayBuffer> {
  requireAgreement(format, header);
  if (header.components !== 1) throw new PixelsRefused('JPEG colours of 12 bits');
  // Each block has at least one code for its DC coefficient and one for its AC coefficients.
  const [across, down] = [Math.ceil(header.columns / SIDE), Math.ceil(header.rows / SIDE)];
  if (encoded.length * 4 < across * down) throw brokenJpeg();
  const samples = new Uint16Array(samplesOf(format));
  const [scan, ...others] = scansOf(encoded);
  const [component] = scan?.components ?? [];
  if (scan === undefined || others.length > 0 || component === undefined || scan.components.length > 1)
    throw brokenJpeg();
  const { dc, ac, steps } = component;
  // Spectral selection and successive approximation have no effect here. Some writers fill them wrongly.
  if (dc === undefined || ac === undefined || steps === undefined) throw brokenJpeg();
  const blocks = across * down;
  const blocksOfPart = scan.restartInterval === 0 ? blocks : scan.restartInterval;
  if (Math.ceil(blocks / blocksOfPart) !== scan.parts.length) throw brokenJpeg();
  const bits = new JpegBits(scan.bytes);
  const coefficients = new Float64Array(BLOCK);
  for (const [part, { start, end }] of scan.parts.entries()) {
    bits.open(start, end);
    const from = part * blocksOfPart;
    let level = 0;
    for (let block = from; block < Math.min(from + blocksOfPart, blocks); block += 1) {
      coefficients.fill(0);
      level = readBlock(bits, { dc, ac, steps }, level, coefficients);
      if (bits.isOverrun) throw brokenJpeg();
      inverseTransform(coefficients);
      place(coefficients, header, samples, (block % across) * SIDE, Math.floor(block / across) * SIDE);
    }
  }
  return nativeSamples(format, {
    samples: new Uint8Array(samples.buffer),
    bitsPerSample: header.precision,
    isPlanar: false,
  });
}

interface Tables {
  readonly dc: HuffmanTable;
  readonly ac: HuffmanTable;
  readonly steps: Uint16Array;
}

/** Reads the coefficients of a block (ISO/IEC 10918-1 §F.2.2). `level`: the DC coefficient before. Returns the DC coefficient. */
function readBlock(bits: JpegBits, { dc, ac, steps }: Tables, level: number, block: Float64Array): number {
  const size = bits.symbol(dc);
  if (size > LARGEST_DC) throw brokenJpeg();
  const next = level + bits.difference(size);
  block[0] = next * (steps[0] ?? 0);
  for (let at = 1; at < BLOCK; at += 1) {
    const code = bits.symbol(ac);
    const size = code & 15;
    if (size === 0) {
      if (code !== ZERO_RUN) break;
      at += 15;
      continue;
    }
    at += code >> 4;
    if (at >= BLOCK || size > LARGEST_AC) throw brokenJpeg();
    block[ZIGZAG[at] ?? 0] = bits.difference(size) * (steps[at] ?? 0);
  }
  return next;
}

/** Copies the part of a block that is inside of the image. Samples are shifted to be unsigned, and limited to their range. */
function place(
  block: Float64Array,
  { rows, columns, precision }: JpegFrameHeader,
  samples: Uint16Array,
  left: number,
  top: number,
): void {
  const half = 2 ** (precision - 1);
  const [width, height] = [Math.min(SIDE, columns - left), Math.min(SIDE, rows - top)];
  for (let y = 0; y < height; y += 1) {
    const to = (top + y) * columns + left;
    for (let x = 0; x < width; x += 1) {
      const value = Math.round((block[y * SIDE + x] ?? 0) + half);
      samples[to + x] = Math.max(0, Math.min(value, half * 2 - 1));
    }
  }
}
