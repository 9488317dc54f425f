import type { DecodedFrame } from '../frame.decoder.js';
import { samplesOf, samplesPerPixel } from '../pixel.format.js';
import { PixelsRefused } from '../pixels.refused.js';

/** The samples of a frame for an encoder, pixel by pixel: bytes for up to 8 bits, words in little endian for more. */
export interface CodedSamples {
  readonly width: number;
  readonly height: number;
  readonly components: 1 | 3;
  readonly bits: number;
  readonly isSigned: boolean;
  readonly samples: Uint8Array | Uint16Array;
}

/** Smallest precisions of encoders. Words get more than 8 bits, because some decoders return bytes for 8 bits or less. */
const FEWEST_BITS = { 8: 2, 16: 9 };

/**
 * Prepares the samples of an uncompressed frame for a compression by bits (all except RLE). Bits above High Bit are not samples, and are left
 * out. `signs`: signed samples are written in two's complement (`kept`), or larger by half their range (`moved`). Throws `PixelsRefused` for
 * pixels that cannot be compressed without loss.
 */
export function codedSamples(frame: DecodedFrame, signs: 'kept' | 'moved'): CodedSamples {
  const { format } = frame;
  const { bitsAllocated, bitsStored, highBit, isSigned, numbers } = format;
  if (numbers !== 'integer' || (bitsAllocated !== 8 && bitsAllocated !== 16) || highBit !== bitsStored - 1)
    throw new PixelsRefused('pixels of a kind that this compression does not have');
  const bits = Math.max(bitsStored, FEWEST_BITS[bitsAllocated]);
  const { bytes } = interleaved(frame);
  const words =
    bitsAllocated === 8 ? bytes : new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
  const samples = bits > 8 ? new Uint16Array(words.length) : new Uint8Array(words.length);
  const [unused, mask] = [32 - bitsStored, 2 ** bits - 1];
  const half = isSigned && signs === 'moved' ? 2 ** (bits - 1) : 0;
  for (let at = 0; at < samples.length; at += 1) {
    const word = (words[at] ?? 0) << unused;
    samples[at] = ((isSigned ? word >> unused : word >>> unused) + half) & mask;
  }
  const { columns: width, rows: height, photometric } = format;
  return { width, height, components: samplesPerPixel(photometric), bits, isSigned, samples };
}

/** The frame with its samples pixel by pixel (Planar Configuration 0). Throws `PixelsRefused` for pixels that share chrominance samples. */
export function interleaved(frame: DecodedFrame): DecodedFrame {
  const { format, bytes } = frame;
  if (format.photometric === 'YBR_FULL_422') throw new PixelsRefused('YBR_FULL_422 cannot be compressed');
  if (!format.isPlanar) return frame;
  const width = format.bitsAllocated / 8;
  const pixels = samplesOf(format) / 3;
  const out = new Uint8Array(bytes.length);
  for (let plane = 0; plane < 3; plane += 1)
    for (let at = 0; at < pixels; at += 1)
      for (let byte = 0; byte < width; byte += 1)
        out[(at * 3 + plane) * width + byte] = bytes[(plane * pixels + at) * width + byte] ?? 0;
  return { format: { ...format, isPlanar: false }, bytes: out };
}
