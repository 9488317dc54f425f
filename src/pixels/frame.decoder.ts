import type { Codec } from '../dicom/transfer.syntaxes.js';
import { decodeJpeg } from './codecs/jpeg.decoder.js';
import { decodeJpegLossless } from './codecs/jpeg.lossless.decoder.js';
import { decodeJpegLs } from './codecs/jpeg.ls.decoder.js';
import { decodeJpegXl } from './codecs/jpeg.xl.decoder.js';
import { decodeHtj2k, decodeJpeg2000 } from './codecs/jpeg2000.decoder.js';
import { isTransformed, type PixelFormat, samplesPerPixel } from './pixel.format.js';
import { decodeRle } from './codecs/rle.decoder.js';

/** A frame of uncompressed pixels in little endian, and their format. */
export interface DecodedFrame {
  readonly format: PixelFormat;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * The format of the decoded pixels. Colours are pixel by pixel (Planar Configuration 0), and colours of JPEG and JPEG XL
 * and transformed JPEG 2000 components become RGB.
 */
export function decodedFormat(format: PixelFormat, codec: Codec): PixelFormat {
  const { photometric } = format;
  const isJpegColour = (codec === 'jpeg' || codec === 'jpeg-xl') && samplesPerPixel(photometric) === 3;
  const isConverted = isJpegColour || isTransformed(photometric);
  return { ...format, isPlanar: false, photometric: isConverted ? 'RGB' : photometric };
}

/** Decodes a compressed frame. Throws `PixelsRefused` when the frame contradicts the format or is broken. */
export async function decodeFrame(
  codec: Codec,
  format: PixelFormat,
  encoded: Uint8Array,
): Promise<DecodedFrame> {
  const decoders = {
    rle: decodeRle,
    jpeg: decodeJpeg,
    'jpeg-lossless': decodeJpegLossless,
    'jpeg-ls': decodeJpegLs,
    'jpeg-2000': decodeJpeg2000,
    htj2k: decodeHtj2k,
    'jpeg-xl': decodeJpegXl,
  };
  return { format: decodedFormat(format, codec), bytes: await decoders[codec](format, encoded) };
}
