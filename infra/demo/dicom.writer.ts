import { createHash } from 'node:crypto';
import {
  TransferSyntax,
  encodeDataset,
  freshUid,
  type DicomElement,
  type DicomValue,
} from './dicom.elements.ts';
import { encodeRle } from './rle.encoder.ts';

/** The storage SOP classes of the sample objects (PS3.4 §B.5). */
export const SopClass = {
  ct: '1.2.840.10008.5.1.4.1.1.2',
  secondaryCapture: '1.2.840.10008.5.1.4.1.1.7',
  multiframeWord: '1.2.840.10008.5.1.4.1.1.7.3',
  mr: '1.2.840.10008.5.1.4.1.1.4',
  ultrasoundMultiframe: '1.2.840.10008.5.1.4.1.1.3.1',
  photograph: '1.2.840.10008.5.1.4.1.1.77.1.4',
  basicTextSr: '1.2.840.10008.5.1.4.1.1.88.11',
  segmentation: '1.2.840.10008.5.1.4.1.1.66.4',
  pdf: '1.2.840.10008.5.1.4.1.1.104.1',
} as const;

const PIXEL_DATA = '7FE00010';

/** The options of `makeInstance`. Missing options get default values. Missing UIDs are generated. */
export interface InstanceOptions {
  studyUid?: string | undefined;
  seriesUid?: string | undefined;
  sopUid?: string | undefined;
  patientId?: string | undefined;
  patientName?: string | undefined;
  issuer?: string | undefined;
  modality?: string | undefined;
  institution?: string | undefined;
  studyDate?: string | undefined;
  studyDescription?: string | undefined;
  accessionNumber?: string | undefined;
  instanceNumber?: number | undefined;
  rows?: number | undefined;
  columns?: number | undefined;
  /** The number of frames. 0 makes an object without pixel data. */
  frames?: number | undefined;
  sopClassUid?: string | undefined;
  transferSyntax?: string | undefined;
  /** Elements to add. If a default element has the same tag, the added element replaces it. */
  extra?: DicomElement[] | undefined;
}

/** Returns a DICOM Part 10 file (PS3.10 §7.1): the preamble, the file meta information, and the data set in the given transfer syntax. */
export function dicomFile(options: { transferSyntax?: string; elements: readonly DicomElement[] }): Buffer {
  const transferSyntax = options.transferSyntax ?? TransferSyntax.explicitLittle;
  const meta = [
    element('00020001', 'OB', Buffer.of(0, 1)),
    element('00020002', 'UI', textOf(options.elements, '00080016')),
    element('00020003', 'UI', textOf(options.elements, '00080018')),
    element('00020010', 'UI', transferSyntax),
    element('00020012', 'UI', '2.25.247913845600472108350183447721394561122'),
  ];
  const metaBytes = encodeDataset(meta, TransferSyntax.explicitLittle);
  const metaLength = encodeDataset(
    [element('00020000', 'UL', [metaBytes.length])],
    TransferSyntax.explicitLittle,
  );
  const dataset = encodeDataset(options.elements, transferSyntax);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), metaLength, metaBytes, dataset]);
}

export function element(tag: string, vr: string, value: DicomValue): DicomElement {
  return { tag, vr, value };
}

/**
 * Returns a small valid instance as a Part 10 file. Missing values get defaults. The default patient depends on the study UID, so that all
 * instances of one study have the same patient.
 */
export function makeInstance(options: InstanceOptions = {}): Buffer {
  const studyUid = options.studyUid ?? freshUid();
  const modality = options.modality ?? 'CT';
  const frames = options.frames ?? (['SR', 'KO', 'PR', 'DOC'].includes(modality) ? 0 : 1);
  const transferSyntax = options.transferSyntax ?? TransferSyntax.explicitLittle;
  const fallbackClass =
    frames > 1 ? SopClass.multiframeWord : modality === 'CT' ? SopClass.ct : SopClass.secondaryCapture;
  const elements = [
    element('00080005', 'CS', 'ISO_IR 192'),
    element('00080016', 'UI', options.sopClassUid ?? fallbackClass),
    element('00080018', 'UI', options.sopUid ?? freshUid()),
    element('00080020', 'DA', options.studyDate ?? '20240315'),
    element('00080030', 'TM', '101500'),
    element('00080050', 'SH', options.accessionNumber ?? ''),
    element('00080060', 'CS', modality),
    element('00080090', 'PN', ''),
    element('00081030', 'LO', options.studyDescription ?? 'Sample study'),
    element('00100010', 'PN', options.patientName ?? 'Sample^Robin'),
    element('00100020', 'LO', options.patientId ?? patientOf(studyUid)),
    element('00100030', 'DA', '19700101'),
    element('00100040', 'CS', 'O'),
    element('0020000D', 'UI', studyUid),
    element('0020000E', 'UI', options.seriesUid ?? freshUid()),
    element('00200010', 'SH', '1'),
    element('00200011', 'IS', '1'),
    element('00200013', 'IS', String(options.instanceNumber ?? 1)),
    ...when(options.institution, '00080080', 'LO'),
    ...when(options.issuer, '00100021', 'LO'),
    ...(frames > 0 ? describedPixels(options.rows ?? 8, options.columns ?? 8, frames) : []),
  ];
  const extra = options.extra ?? [];
  // If `extra` contains pixel data, no gradient is computed, because this takes long for a large image.
  if (frames > 0 && !extra.some(({ tag }) => tag === PIXEL_DATA))
    elements.push(gradient(options.rows ?? 8, options.columns ?? 8, frames, transferSyntax));
  return dicomFile({ transferSyntax, elements: replace(elements, extra) });
}

/** Returns the elements whose tag is not in `extra`, followed by `extra`. */
export function replace(elements: readonly DicomElement[], extra: readonly DicomElement[]): DicomElement[] {
  const taken = new Set(extra.map(({ tag }) => tag));
  return [...elements.filter(({ tag }) => !taken.has(tag)), ...extra];
}

/** Returns the attributes of the Image Pixel module (PS3.3 §C.7.6.3) for unsigned 16-bit grey frames, without the pixel data. */
function describedPixels(rows: number, columns: number, frames: number): DicomElement[] {
  return [
    element('00280002', 'US', [1]),
    element('00280004', 'CS', 'MONOCHROME2'),
    ...(frames > 1 ? [element('00280008', 'IS', String(frames))] : []),
    element('00280010', 'US', [rows]),
    element('00280011', 'US', [columns]),
    element('00280100', 'US', [16]),
    element('00280101', 'US', [12]),
    element('00280102', 'US', [11]),
    element('00280103', 'US', [0]),
  ];
}

/** Returns pixel data that shows a gradient. If the transfer syntax is RLE Lossless, the frames are RLE-encoded. */
function gradient(rows: number, columns: number, frames: number, transferSyntax: string): DicomElement {
  const words = Array.from({ length: frames }, (_, frame) =>
    Array.from({ length: rows * columns }, (_, at) => (frame * 256 + at * 16) & 0xfff),
  );
  return pixelData(words, columns, transferSyntax);
}

const NATIVE = new Set<string>([
  TransferSyntax.implicitLittle,
  TransferSyntax.explicitLittle,
  TransferSyntax.deflated,
  TransferSyntax.explicitBig,
]);

function pixelData(frames: number[][], columns: number, transferSyntax: string): DicomElement {
  if (NATIVE.has(transferSyntax)) return element(PIXEL_DATA, 'OW', frames.flat());
  return element(PIXEL_DATA, 'OB', { fragments: frames.map((frame) => encodeRle(frame, columns)) });
}

function patientOf(studyUid: string): string {
  return `P-${createHash('sha256').update(studyUid).digest('hex').slice(0, 8)}`;
}

function when(value: string | undefined, tag: string, vr: string): DicomElement[] {
  return value === undefined ? [] : [element(tag, vr, value)];
}

function textOf(elements: readonly DicomElement[], tag: string): string {
  const value = elements.find((candidate) => candidate.tag === tag)?.value;
  return typeof value === 'string' ? value : '';
}
