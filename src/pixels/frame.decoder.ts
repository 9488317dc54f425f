import type { Codec } from '../dicom/transfer.syntaxes.js';
import { decodeJpegLs } from './jpeg.ls.decoder.js';
import type { PixelFormat } from './pixel.format.js';
import { decodeRle } from './rle.decoder.js';

/** A frame of uncompressed pixels in little endian, and their format. */
export interface DecodedFrame {
  readonly format: PixelFormat;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The format of the decoded pixels. Colours are pixel by pixel (Planar Configuration 0). */
export function decodedFormat(format: PixelFormat): PixelFormat {
  return { ...format, isPlanar: false };
}

/** Decodes a compressed frame. Throws `PixelsRefused` when the frame contradicts the format or is broken. */
export async function decodeFrame(
  codec: Codec,
  format: PixelFormat,
  encoded: Uint8Array,
): Promise<DecodedFrame> {
  const decoders = { rle: decodeRle, 'jpeg-ls': decodeJpegLs };
  return { format: decodedFormat(format), bytes: await decoders[codec](format, encoded) };
}
