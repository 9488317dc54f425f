import type { FoundInstance } from '../../catalog/lookup.service.js';
import { isAlwaysLossy } from '../../dicom/transfer.syntaxes.js';
import { type Photometric, samplesPerPixel } from '../../pixels/pixel.format.js';
import { type NewElement, newElement } from '../wado/uncompressed.file.js';

const PHOTOMETRIC = 0x00280004;
const PLANAR_CONFIGURATION = 0x00280006;
/** Lossy Image Compression (PS3.3 §C.7.6.1.1.5). */
const LOSSY = 0x00282110;

/**
 * The attributes of the pixels that can differ in a converted file: colours and their order, and whether the stored pixels were compressed
 * with loss.
 */
export function describedPixels(
  photometric: Photometric,
  instance: FoundInstance,
  into: string,
): readonly NewElement[] {
  const lossy = isAlwaysLossy(instance.transferSyntax) ? [newElement(LOSSY, 'CS', text('01'), into)] : [];
  if (samplesPerPixel(photometric) === 1) return lossy;
  return [
    newElement(PHOTOMETRIC, 'CS', text(photometric), into),
    newElement(PLANAR_CONFIGURATION, 'US', Buffer.alloc(2), into),
    ...lossy,
  ];
}

/** The bytes of a text, padded to an even length. */
function text(value: string): Buffer {
  return Buffer.from(value.padEnd(value.length + (value.length % 2)));
}
