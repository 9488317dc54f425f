import { encodeHead } from '../data.set.recoder.js';
import { EXPLICIT_LITTLE, PIXEL_DATA, SEQUENCE_END, UNDEFINED_LENGTH } from '../element.decoder.js';
import { itemHead } from '../media/directory.values.js';
import { encodeFileMeta } from './meta.writer.js';
import { encodeElements, type MadeElement, shorts } from './new.elements.js';
import type { NewFile } from './new.file.js';
import { type NewSubject, subjectElements } from './new.subject.js';

/** The pixels of a new single-frame image. */
export interface NewPixels {
  readonly rows: number;
  readonly columns: number;
  readonly bits: 8 | 16;
  readonly photometric: 'MONOCHROME2' | 'RGB' | 'YBR_FULL_422';
  /** Whether `bytes` is a JPEG baseline stream, and not uncompressed samples in little endian. */
  readonly isJpeg: boolean;
  /** Whether the samples come from a JPEG stream. */
  readonly isLossy: boolean;
  /** Uncompressed size divided by compressed size. Only for pixels from a JPEG stream. */
  readonly ratio: number;
  /** An ICC profile, or `undefined` if the picture has none. */
  readonly profile: Uint8Array | undefined;
  readonly bytes: Uint8Array;
}

const VL_PHOTOGRAPHIC = '1.2.840.10008.5.1.4.1.1.77.1.4';
const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7';
const JPEG_BASELINE = '1.2.840.10008.1.2.4.50';
const EXPLICIT = '1.2.840.10008.1.2.1';
/** The modality of VL Photographic Images (PS3.3 §A.32.4). */
const PHOTOGRAPHY = 'XC';

/** The SOP class of a picture: VL Photographic Image for photographs with 8 bits, otherwise Secondary Capture. */
export function pictureClassOf(modality: string, bits: 8 | 16): string {
  return modality === PHOTOGRAPHY && bits === 8 ? VL_PHOTOGRAPHIC : SECONDARY_CAPTURE;
}

/** Makes a VL Photographic Image (PS3.3 §A.32.4) or a Secondary Capture Image (PS3.3 §A.8.1) of a picture. */
export function newImage(subject: NewSubject, pixels: NewPixels): NewFile {
  const sopClassUid = pictureClassOf(subject.modality, pixels.bits);
  const transferSyntax = pixels.isJpeg ? JPEG_BASELINE : EXPLICIT;
  const elements = [
    ...subjectElements(subject, sopClassUid),
    ...(sopClassUid === VL_PHOTOGRAPHIC ? photographElements() : captureElements()),
    ...pixelElements(pixels),
  ];
  const meta = encodeFileMeta({ sopClassUid, sopUid: subject.sopUid, transferSyntax });
  const pieces = [meta, encodeElements(elements), ...pixelData(pixels)];
  return { sopClassUid, transferSyntax, pieces };
}

function photographElements(): MadeElement[] {
  return [
    [0x00080008, 'CS', 'ORIGINAL\\PRIMARY'],
    [0x00200020, 'CS', ''],
    // Acquisition Context Sequence.
    [0x00400555, 'SQ', []],
  ];
}

function captureElements(): MadeElement[] {
  return [
    [0x00080008, 'CS', 'ORIGINAL\\PRIMARY'],
    // Conversion Type: the picture was made by another program.
    [0x00080064, 'CS', 'WSD'],
    [0x00200020, 'CS', ''],
  ];
}

function pixelElements(pixels: NewPixels): MadeElement[] {
  const { rows, columns, bits, photometric, isLossy, ratio, profile } = pixels;
  const isColour = photometric !== 'MONOCHROME2';
  const elements: MadeElement[] = [
    // Laterality: unknown.
    [0x00200060, 'CS', ''],
    [0x00280002, 'US', shorts(isColour ? 3 : 1)],
    [0x00280004, 'CS', photometric],
    [0x00280010, 'US', shorts(rows)],
    [0x00280011, 'US', shorts(columns)],
    [0x00280100, 'US', shorts(bits)],
    [0x00280101, 'US', shorts(bits)],
    [0x00280102, 'US', shorts(bits - 1)],
    [0x00280103, 'US', shorts(0)],
    [0x00282110, 'CS', isLossy ? '01' : '00'],
  ];
  if (isColour) elements.push([0x00280006, 'US', shorts(0)]);
  if (isLossy)
    elements.push([0x00282112, 'DS', Math.max(ratio, 1).toFixed(2)], [0x00282114, 'CS', 'ISO_10918_1']);
  if (profile !== undefined && isColour) elements.push([0x00282000, 'OB', profile]);
  return elements;
}

/** The element with the pixels: uncompressed, or one fragment after an empty offset table (PS3.5 §A.4). */
function pixelData({ bits, isJpeg, bytes }: NewPixels): Uint8Array[] {
  const padding = Buffer.alloc(bytes.length % 2);
  const vr = isJpeg || bits === 8 ? 'OB' : 'OW';
  if (!isJpeg)
    return [encodeHead(PIXEL_DATA, vr, bytes.length + padding.length, EXPLICIT_LITTLE), bytes, padding];
  const end = Buffer.alloc(8);
  end.writeUInt16LE(SEQUENCE_END >>> 16, 0);
  end.writeUInt16LE(SEQUENCE_END & 0xffff, 2);
  return [
    encodeHead(PIXEL_DATA, vr, UNDEFINED_LENGTH, EXPLICIT_LITTLE),
    itemHead(0),
    itemHead(bytes.length + padding.length),
    bytes,
    padding,
    end,
  ];
}
