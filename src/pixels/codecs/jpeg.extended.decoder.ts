import { nativeSamples, requireAgreement } from './decoded.samples.js';
import {
  blocksOf,
  componentSizes,
  largestFactors,
  placeBlock,
  type Plane,
  planesOf,
  SIDE,
  spreadPlane,
  toRgb,
} from './jpeg.components.js';
import { BLOCK, inverseTransform, ZIGZAG } from './jpeg.cosines.js';
import { brokenJpeg, type HuffmanTable, JpegBits } from './jpeg.huffman.js';
import type { JpegFrameHeader } from './jpeg.markers.js';
import { type JpegScan, scansOf } from './jpeg.scans.js';
import { type PixelFormat, samplesOf } from '../pixel.format.js';

/** A run of 16 zeros, and the end of a block. */
const ZERO_RUN = 0xf0;
/** Largest size of a difference of DC coefficients of 12 bits, and of an AC coefficient (ISO/IEC 10918-1 tables F.6, F.7). */
const LARGEST_DC = 15;
const LARGEST_AC = 14;
/** Largest sampling factor, and most blocks of an MCU (ISO/IEC 10918-1 §B.2.2, §B.2.3). */
const LARGEST_FACTOR = 4;
const MOST_BLOCKS = 10;

/**
 * Decodes a frame of JPEG extended sequential with Huffman coding (ISO/IEC 10918-1 Annex F) of 12 bits per sample. Colours become RGB.
 * `isRgb`: the colours of the stream are not transformed. Throws `PixelsRefused` when the stream contradicts the format, is broken, or does
 * not contain every block.
 */
export function decodeJpeg12(
  format: PixelFormat,
  header: JpegFrameHeader,
  encoded: Uint8Array,
  isRgb: boolean,
): Uint8Array<ArrayBuffer> {
  requireAgreement(format, header);
  if (header.sampling.length !== header.components) throw brokenJpeg();
  for (const { across, down } of header.sampling)
    if (Math.min(across, down) < 1 || Math.max(across, down) > LARGEST_FACTOR) throw brokenJpeg();
  const blocks = componentSizes(header)
    .map(blocksOf)
    .reduce((sum, { across, down }) => sum + across * down, 0);
  // Each block has at least one code for its DC coefficient and one for its AC coefficients.
  if (encoded.length * 4 < blocks) throw brokenJpeg();
  const samples = new Uint16Array(samplesOf(format));
  const planes = planesOf(header, samples);
  const done = new Set<number>();
  for (const scan of scansOf(encoded)) {
    for (const { index } of scan.components) {
      if (done.has(index)) throw brokenJpeg();
      done.add(index);
    }
    decodeScan(scan, header, planes);
  }
  if (done.size !== header.components) throw brokenJpeg();
  for (const [index, plane] of planes.entries()) spreadPlane(plane, index, header, samples);
  if (header.components === 3 && !isRgb) toRgb(samples, header.precision);
  return nativeSamples(format, {
    samples: new Uint8Array(samples.buffer),
    bitsPerSample: header.precision,
    isPlanar: false,
  });
}

/** A component of a scan. `across`, `down`: its blocks in an MCU. `level`: the DC coefficient of the block before. */
interface Part {
  readonly plane: Plane;
  readonly dc: HuffmanTable;
  readonly ac: HuffmanTable;
  readonly steps: Uint16Array;
  readonly across: number;
  readonly down: number;
  level: number;
}

/** Decodes a scan. Spectral selection and successive approximation have no effect here. Some writers fill them wrongly. */
function decodeScan(scan: JpegScan, header: JpegFrameHeader, planes: readonly Plane[]): void {
  const isInterleaved = scan.components.length > 1;
  const components = scan.components.map(({ index, dc, ac, steps, across, down }): Part => {
    const plane = planes[index];
    if (plane === undefined || dc === undefined || ac === undefined || steps === undefined)
      throw brokenJpeg();
    return { plane, dc, ac, steps, level: 0, ...(isInterleaved ? { across, down } : { across: 1, down: 1 }) };
  });
  const [first] = components;
  if (first === undefined || components.reduce((sum, one) => sum + one.across * one.down, 0) > MOST_BLOCKS)
    throw brokenJpeg();
  const units = isInterleaved ? interleavedUnits(header) : blocksOf(first.plane);
  const count = units.across * units.down;
  const unitsOfPart = scan.restartInterval === 0 ? count : scan.restartInterval;
  if (Math.ceil(count / unitsOfPart) !== scan.parts.length) throw brokenJpeg();
  const bits = new JpegBits(scan.bytes);
  const decodeUnit = unitDecoder(bits, components, header.precision);
  for (const [part, { start, end }] of scan.parts.entries()) {
    bits.open(start, end);
    for (const component of components) component.level = 0;
    const from = part * unitsOfPart;
    for (let unit = from; unit < Math.min(from + unitsOfPart, count); unit += 1) {
      decodeUnit(unit % units.across, Math.floor(unit / units.across));
      if (bits.isOverrun) throw brokenJpeg();
    }
  }
}

/** The MCUs of a scan with several components (ISO/IEC 10918-1 §A.2.3). */
function interleavedUnits(header: JpegFrameHeader): { across: number; down: number } {
  const most = largestFactors(header);
  return {
    across: Math.ceil(header.columns / (SIDE * most.across)),
    down: Math.ceil(header.rows / (SIDE * most.down)),
  };
}

/** Returns the function that decodes the MCU in a column and a row. */
function unitDecoder(
  bits: JpegBits,
  components: readonly Part[],
  precision: number,
): (column: number, row: number) => void {
  const coefficients = new Float64Array(BLOCK);
  return (column, row) => {
    for (const component of components) {
      const { plane, across, down } = component;
      for (let y = 0; y < down; y += 1)
        for (let x = 0; x < across; x += 1) {
          coefficients.fill(0);
          component.level = readBlock(bits, component, coefficients);
          inverseTransform(coefficients);
          placeBlock(coefficients, plane, precision, (column * across + x) * SIDE, (row * down + y) * SIDE);
        }
    }
  };
}

/** Reads the coefficients of a block (ISO/IEC 10918-1 §F.2.2). Returns its DC coefficient. */
function readBlock(bits: JpegBits, { dc, ac, steps, level }: Part, block: Float64Array): number {
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
