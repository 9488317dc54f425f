import type { Codec } from '../dicom/transfer.syntaxes.js';
import { decodeJpeg } from './codecs/jpeg.decoder.js';
import { decodeJpegLossless } from './codecs/jpeg.lossless.decoder.js';
import { decodeJpegLs } from './codecs/jpeg.ls.decoder.js';
import { decodeJpegXl } from './codecs/jpeg.xl.decoder.js';
import { decodeHtj2k, decodeJpeg2000 } from './codecs/jpeg2000.decoder.js';
import { halvedFormat, isTransformed, type PixelFormat, samplesPerPixel } from './pixel.format.js';
import { PixelsRefused } from './pixels.refused.js';
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

/**
 * Decodes a compressed frame. `halvings`: how often its size may be halved, if the codec can do it. Throws `PixelsRefused` when the frame
 * contradicts the format or is broken.
 */
export async function decodeFrame(
  codec: Codec,
  format: PixelFormat,
  encoded: Uint8Array,
  halvings = 0,
): Promise<DecodedFrame> {
  const whole = decodedFormat(format, codec);
  if (codec === 'jpeg-2000' || codec === 'htj2k') {
    const decode = codec === 'htj2k' ? decodeHtj2k : decodeJpeg2000;
    const { bytes, level } = await decode(format, encoded, halvings).catch((error: unknown) => {
      // A tile can have fewer decompositions than the image. Then the image is decoded in its size.
      if (halvings === 0 || !(error instanceof PixelsRefused)) throw error;
      return decode(format, encoded);
    });
    return { format: halvedFormat(whole, level), bytes };
  }
  const decoders = {
    rle: decodeRle,
    jpeg: decodeJpeg,
    'jpeg-lossless': decodeJpegLossless,
    'jpeg-ls': decodeJpegLs,
    'jpeg-xl': decodeJpegXl,
  };
  return { format: whole, bytes: await decoders[codec](format, encoded) };
}
