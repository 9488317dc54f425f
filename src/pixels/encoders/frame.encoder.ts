import type { Compression } from '../../dicom/transfer.syntaxes.js';
import { type DecodedFrame, decodeFrame } from '../frame.decoder.js';
import type { Photometric } from '../pixel.format.js';
import { PixelsRefused } from '../pixels.refused.js';
import { codedSamples } from './coded.samples.js';
import { encodeHtj2k } from './htj2k.encoder.js';
import { encodeJpegLossless } from './jpeg.lossless.encoder.js';
import { encodeJpegLs } from './jpeg.ls.encoder.js';
import { encodeJpeg2000 } from './jpeg2000.encoder.js';
import { encodeRle } from './rle.encoder.js';

/** A frame that was compressed without loss. `photometric`: the Photometric Interpretation of the compressed pixels. */
export interface EncodedFrame {
  readonly photometric: Photometric;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const ENCODERS = {
  rle: encodeRle,
  'jpeg-lossless': encodeJpegLossless,
  'jpeg-ls': encodeJpegLs,
  'jpeg-2000': encodeJpeg2000,
  htj2k: encodeHtj2k,
} as const;
/** Compressions that transform RGB (PS3.5 §8.2.4). */
const TRANSFORMING: ReadonlySet<Compression> = new Set(['jpeg-2000', 'htj2k']);

/** Compressions of other projects. Their frames are decoded again, because some encoders lose bits of some kinds of pixels. */
const CHECKED: ReadonlySet<Compression> = new Set(['jpeg-ls', 'jpeg-2000', 'htj2k']);

/**
 * Compresses an uncompressed frame in little endian without loss. Throws `PixelsRefused` when the compression does not have such pixels, or
 * does not keep them exactly.
 */
export async function encodeFrame(compression: Compression, frame: DecodedFrame): Promise<EncodedFrame> {
  const isTransformed = TRANSFORMING.has(compression) && frame.format.photometric === 'RGB';
  const photometric = isTransformed ? 'YBR_RCT' : frame.format.photometric;
  const bytes = await ENCODERS[compression](frame);
  if (CHECKED.has(compression)) {
    const again = await decodeFrame(compression, { ...frame.format, photometric, isPlanar: false }, bytes);
    const [one, other] = [frame, again].map((each) => codedSamples(each, 'kept').samples);
    if (one?.length !== other?.length || one?.some((sample, at) => sample !== other?.[at]) !== false)
      throw new PixelsRefused('the compression does not keep these pixels exactly');
  }
  return { photometric, bytes };
}
