import { decodeJpegStream } from '../codecs/jpeg.decoder.js';
import { jpegFrameHeader } from '../codecs/jpeg.markers.js';
import type { PixelFormat } from '../pixel.format.js';
import { PixelsRefused } from '../pixels.refused.js';
import { jpegParts } from './jpeg.segments.js';
import { MOST_PICTURE_SAMPLES, type OpenedPicture } from './opened.picture.js';
import { upright } from './picture.orientation.js';

const [BASELINE, EXTENDED, PROGRESSIVE] = [0xc0, 0xc1, 0xc2];

/**
 * Opens a JPEG file. The stream of JPEG baseline in normal orientation is kept as it is, without its metadata. Other pictures are decoded
 * once, and are turned upright without a change of their samples. Throws `PixelsRefused`.
 */
export async function openJpeg(file: Uint8Array): Promise<OpenedPicture> {
  const { stream, orientation, profile, isRgb, notes } = jpegParts(file);
  const { marker, precision, rows, columns, components, namesColours } = jpegFrameHeader(stream);
  if (![BASELINE, EXTENDED, PROGRESSIVE].includes(marker) || precision !== 8)
    throw new PixelsRefused('only JPEG files with 8 bits per sample are supported, and no lossless JPEG');
  if (components !== 1 && components !== 3)
    throw new PixelsRefused('only grey, YCbCr and RGB pictures are supported, and no CMYK');
  if (rows === 0 || columns === 0 || rows * columns * components > MOST_PICTURE_SAMPLES)
    throw new PixelsRefused('it has no pixels or too many pixels');
  const photometric = components === 1 ? 'MONOCHROME2' : isRgb ? 'RGB' : 'YBR_FULL_422';
  const ratio = (rows * columns * components) / stream.length;
  const format: PixelFormat = {
    rows,
    columns,
    photometric: components === 1 ? 'MONOCHROME2' : 'RGB',
    isPlanar: false,
    numbers: 'integer',
    bitsAllocated: 8,
    bitsStored: 8,
    highBit: 7,
    isSigned: false,
  };
  // A picture that cannot be decoded would be stored as an image that nobody can open.
  const bytes = await decodeJpegStream(format, stream, isRgb && !namesColours);
  const common = { bits: 8, isLossy: true, ratio, profile } as const;
  if (marker === BASELINE && orientation === 1)
    return { ...common, rows, columns, photometric, isJpeg: true, bytes: stream, notes };
  const turned = upright({ width: columns, height: rows, pixelBytes: components, bytes }, orientation);
  const why = orientation === 1 ? 'because it is not JPEG baseline' : 'to turn it upright';
  return {
    ...common,
    rows: turned.height,
    columns: turned.width,
    photometric: format.photometric === 'RGB' ? 'RGB' : 'MONOCHROME2',
    isJpeg: false,
    bytes: turned.bytes,
    notes: [...notes, `Decoded the picture once ${why}. It was not compressed again.`],
  };
}
