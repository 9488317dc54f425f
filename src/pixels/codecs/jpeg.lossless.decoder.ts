import { nativeSamples, requireAgreement } from './decoded.samples.js';
import { brokenJpeg, type HuffmanTable, JpegBits } from './jpeg.huffman.js';
import { jpegFrameHeader, type JpegFrameHeader } from './jpeg.markers.js';
import { type JpegScan, scansOf } from './jpeg.scans.js';
import { type PixelFormat, samplesOf } from '../pixel.format.js';
import { PixelsRefused } from '../pixels.refused.js';

/** Lossless sequential process with Huffman coding (process 14). */
const LOSSLESS = 0xc3;
const LARGEST_PREDICTOR = 7;
/** The size of a difference of 32768, which has no further bits. */
const HALF_RANGE_SIZE = 16;
const HALF_RANGE = 32_768;

/**
 * Decodes a JPEG lossless frame (ISO/IEC 10918-1 Annex H) with any predictor. Colours are not transformed. Throws `PixelsRefused` when the
 * stream contradicts the format, is broken, or does not contain every sample.
 */
export function decodeJpegLossless(format: PixelFormat, encoded: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = jpegFrameHeader(encoded);
  if (header.marker !== LOSSLESS || header.precision < 2 || format.photometric === 'YBR_FULL_422')
    throw new PixelsRefused('pixels that are not JPEG lossless');
  requireAgreement(format, header);
  const count = samplesOf(format);
  // Each sample has a code of at least one bit.
  if (encoded.length * 8 < count) throw brokenJpeg();
  const samples = header.precision > 8 ? new Uint16Array(count) : new Uint8Array(count);
  const done = new Set<number>();
  for (const scan of scansOf(encoded)) {
    for (const { index } of scan.components) {
      if (done.has(index)) throw brokenJpeg();
      done.add(index);
    }
    decodeScan(scan, header, samples);
  }
  if (done.size !== header.components) throw brokenJpeg();
  return nativeSamples(format, {
    samples: new Uint8Array(samples.buffer),
    bitsPerSample: header.precision,
    isPlanar: false,
  });
}

function decodeScan(scan: JpegScan, header: JpegFrameHeader, samples: Uint8Array | Uint16Array): void {
  const { predictor, pointTransform: shift, restartInterval, parts, bytes } = scan;
  const { rows, columns, components, precision } = header;
  if (predictor < 1 || predictor > LARGEST_PREDICTOR || shift >= precision) throw brokenJpeg();
  const isInterleaved = scan.components.length > 1;
  const planes = scan.components.map(({ index, dc, across, down }): Plane => {
    if (dc === undefined || (isInterleaved && (across !== 1 || down !== 1))) throw brokenJpeg();
    return { at: index, table: dc };
  });
  // A restart interval has whole rows (§H.1.1).
  const rowsOfPart = restartInterval === 0 ? rows : restartInterval / columns;
  if (!Number.isInteger(rowsOfPart) || Math.ceil(rows / rowsOfPart) !== parts.length) throw brokenJpeg();
  const bits = new JpegBits(bytes);
  const decodeRow = rowDecoder(bits, planes, samples, {
    columns,
    components,
    initial: 2 ** (precision - shift - 1),
  });
  for (const [part, { start, end }] of parts.entries()) {
    bits.open(start, end);
    const from = part * rowsOfPart;
    for (let row = from; row < Math.min(from + rowsOfPart, rows); row += 1) {
      decodeRow(row, row === from ? 0 : predictor);
      if (bits.isOverrun) throw brokenJpeg();
    }
  }
  if (shift > 0)
    for (const { at } of planes)
      for (let to = at; to < samples.length; to += components) samples[to] = (samples[to] ?? 0) << shift;
}

/** A component of a scan. `at`: the position of its sample in a pixel. */
interface Plane {
  readonly at: number;
  readonly table: HuffmanTable;
}

interface Layout {
  readonly columns: number;
  /** Samples of a pixel. */
  readonly components: number;
  /** The prediction of the first sample. */
  readonly initial: number;
}

/** Returns the function that decodes a row. Predictor 0: the row is the first of its part. */
function rowDecoder(
  bits: JpegBits,
  planes: readonly Plane[],
  samples: Uint8Array | Uint16Array,
  { columns, components, initial }: Layout,
): (row: number, predictor: number) => void {
  const width = columns * components;
  return (row, predictor) => {
    const start = row * width;
    for (let column = 0; column < columns; column += 1) {
      for (const { at, table } of planes) {
        const to = start + column * components + at;
        let prediction = initial;
        if (column === 0) {
          if (predictor !== 0) prediction = samples[to - width] ?? 0;
        } else if (predictor <= 1) prediction = samples[to - components] ?? 0;
        else prediction = predicted(predictor, samples, to, components, width);
        const size = bits.symbol(table);
        if (size > HALF_RANGE_SIZE) throw brokenJpeg();
        // Assignments are modulo the size of the array's numbers.
        samples[to] = prediction + (size === HALF_RANGE_SIZE ? HALF_RANGE : bits.difference(size));
      }
    }
  };
}

/** The prediction from the samples to the left, above, and to the left above (ISO/IEC 10918-1 table H.1). */
function predicted(
  predictor: number,
  samples: Uint8Array | Uint16Array,
  to: number,
  components: number,
  width: number,
): number {
  const left = samples[to - components] ?? 0;
  const above = samples[to - width] ?? 0;
  if (predictor === 2) return above;
  const corner = samples[to - width - components] ?? 0;
  if (predictor === 3) return corner;
  if (predictor === 4) return left + above - corner;
  if (predictor === 5) return left + ((above - corner) >> 1);
  if (predictor === 6) return above + ((left - corner) >> 1);
  return (left + above) >> 1;
}
