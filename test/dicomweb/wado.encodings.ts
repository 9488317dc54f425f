import { type DicomElement, freshUid, TransferSyntax } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance, SopClass } from '../../infra/demo/dicom.writer.ts';
import { byDcmtk } from './dcmtk.programs.ts';

/** The pixels of a sample image and the attributes that describe them. */
export interface Pixels {
  readonly photometric: string;
  readonly samples: 1 | 3;
  readonly planar?: 0 | 1;
  readonly bits: 1 | 8 | 16;
  readonly signed?: boolean;
  readonly frames: number;
  readonly rows: number;
  readonly columns: number;
  readonly bytes: Buffer;
  readonly extra?: readonly DicomElement[];
}

/** Pixels of a smooth image with some noise. Compression is therefore realistic, and all frames differ. */
function painted(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let noise = 1;
  for (let at = 0; at < length; at += 1) {
    noise = (Math.imul(noise, 1_103_515_245) + 12_345) & 0x7fffffff;
    bytes[at] = (Math.floor(at / 7) & 0x7f) + ((noise >> 16) & 15);
  }
  return bytes;
}

function twelveBits(samples: number): Buffer {
  const bytes = painted(samples * 2);
  for (let at = 1; at < bytes.length; at += 2) bytes[at] = (bytes[at] ?? 0) & 15;
  return bytes;
}

const [rows, columns] = [33, 35];
const size = rows * columns;
const grey = { photometric: 'MONOCHROME2', samples: 1, rows, columns } as const;
const colour = { photometric: 'RGB', samples: 3, bits: 8, frames: 2, rows, columns } as const;
const ramp = (step: number) => {
  const table = Buffer.alloc(512);
  for (let at = 0; at < 256; at += 1) table.writeUInt16LE(((at * step) & 255) * 257, at * 2);
  return table;
};

/** One sample image of each pixel format. The odd sizes show whether padding is handled. */
export const pixels = {
  grey8: { ...grey, bits: 8, frames: 3, bytes: painted(size * 3) },
  grey16: {
    ...grey,
    bits: 16,
    frames: 2,
    bytes: twelveBits(size * 2),
  },
  signed16: { ...grey, bits: 16, signed: true, frames: 1, bytes: painted(size * 2) },
  inverse: { ...grey, photometric: 'MONOCHROME1', bits: 8, frames: 1, bytes: painted(size) },
  rgb: { ...colour, planar: 0, bytes: painted(size * 6) },
  planes: { ...colour, planar: 1, bytes: painted(size * 6) },
  palette: {
    ...grey,
    photometric: 'PALETTE COLOR',
    bits: 8,
    frames: 1,
    bytes: painted(size),
    extra: [1, 2, 3].flatMap((one) => [
      element(`0028110${one}`, 'US', [256, 0, 16]),
      element(`0028120${one}`, 'OW', ramp(one)),
    ]),
  },
  bits: { ...grey, rows: 7, columns: 9, bits: 1, frames: 5, bytes: painted(Math.ceil((63 * 5) / 8)) },
} satisfies Record<string, Pixels>;
export type Kind = keyof typeof pixels;

/** An uncompressed file with these pixels. */
export function nativeFile(
  of: Pixels,
  uids: { studyUid: string; seriesUid: string; sopUid: string },
  transferSyntax?: string,
  sopClassUid: string = of.bits === 1 ? SopClass.segmentation : SopClass.secondaryCapture,
  instanceNumber = 1,
): Buffer {
  return makeInstance({
    ...uids,
    patientId: 'ENC-1',
    modality: of.bits === 1 ? 'SEG' : 'OT',
    sopClassUid,
    instanceNumber,
    frames: 0,
    transferSyntax,
    extra: [
      element('00280002', 'US', [of.samples]),
      element('00280004', 'CS', of.photometric),
      ...(of.planar === undefined ? [] : [element('00280006', 'US', [of.planar])]),
      element('00280008', 'IS', String(of.frames)),
      element('00280010', 'US', [of.rows]),
      element('00280011', 'US', [of.columns]),
      element('00280100', 'US', [of.bits]),
      element('00280101', 'US', [of.bits]),
      element('00280102', 'US', [of.bits - 1]),
      element('00280103', 'US', [of.signed === true ? 1 : 0]),
      ...(of.extra ?? []),
      element('7FE00010', of.bits === 16 ? 'OW' : 'OB', of.bytes),
    ],
  });
}

/** DCMTK programs that compress. The compression is lossless unless the name says otherwise. */
export const encoders = {
  'JPEG baseline (lossy)': {
    program: 'dcmcjpeg',
    options: ['+eb'],
    transferSyntax: '1.2.840.10008.1.2.4.50',
  },
  'JPEG extended (lossy)': {
    program: 'dcmcjpeg',
    options: ['+ee'],
    transferSyntax: '1.2.840.10008.1.2.4.51',
  },
  'JPEG lossless': { program: 'dcmcjpeg', options: ['+el'], transferSyntax: '1.2.840.10008.1.2.4.57' },
  'JPEG lossless SV1': { program: 'dcmcjpeg', options: ['+e1'], transferSyntax: '1.2.840.10008.1.2.4.70' },
  'JPEG-LS': { program: 'dcmcjpls', options: ['+el'], transferSyntax: '1.2.840.10008.1.2.4.80' },
  'JPEG-LS (near lossless)': {
    program: 'dcmcjpls',
    options: ['+en'],
    transferSyntax: '1.2.840.10008.1.2.4.81',
  },
  RLE: { program: 'dcmcrle', options: [], transferSyntax: TransferSyntax.rle },
} as const;

/** Compresses a file with one of these programs. */
export function encode(name: keyof typeof encoders, file: Buffer): Promise<Buffer> {
  const { program, options } = encoders[name];
  return byDcmtk(program, options, file);
}

/**
 * The bytes of one frame as a client gets them. If `interleaved`, the samples of each pixel follow each other (Planar Configuration 0). A
 * one-bit frame starts at the lowest bit of a byte.
 */
export function encodedFrameOf(of: Pixels, number: number, interleaved = false): Buffer {
  const bits = of.rows * of.columns * of.samples * of.bits;
  if (of.bits === 1) return bitmapOf(of.bytes, (number - 1) * bits, bits);
  const frame = of.bytes.subarray(((number - 1) * bits) / 8, (number * bits) / 8);
  if (!interleaved || of.planar !== 1) return frame;
  const plane = of.rows * of.columns;
  return Buffer.from(Array.from(frame, (_, at) => frame[(at % 3) * plane + Math.floor(at / 3)] ?? 0));
}

function bitmapOf(packed: Buffer, start: number, count: number): Buffer {
  const out = Buffer.alloc(Math.ceil(count / 8));
  for (let at = 0; at < count; at += 1) {
    const bit = ((packed[(start + at) >> 3] ?? 0) >> ((start + at) & 7)) & 1;
    out[at >> 3] = (out[at >> 3] ?? 0) | (bit << (at & 7));
  }
  return out;
}

/** The largest difference between the bytes of two images, or Infinity if their lengths differ. */
export function difference(one: Buffer, other: Buffer): number {
  if (one.length !== other.length) return Infinity;
  return one.reduce((most, byte, at) => Math.max(most, Math.abs(byte - (other[at] ?? 0))), 0);
}

/** Returns the UID of the study, a new series UID and a new SOP Instance UID. */
export function freshUids(studyUid: string): { studyUid: string; seriesUid: string; sopUid: string } {
  return { studyUid, seriesUid: freshUid(), sopUid: freshUid() };
}
