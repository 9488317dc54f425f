import { Readable } from 'node:stream';
import { type DicomElement, freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { type RenderedFrame, renderFrame } from '../../src/pixels/frame.renderer.js';
import { frameBytesOf, readElements, readImageHeader } from '../../src/pixels/image.header.js';
import { OVERLAYS, overlaysOf } from '../../src/pixels/marks/overlay.planes.js';
import { presentationOf } from '../../src/pixels/presentation.js';
import type { VoiWindow } from '../../src/pixels/voi.functions.js';

/** The attributes of a test image. Further elements replace those with the same tag. */
export interface TestImage {
  readonly photometric?: string;
  readonly samples?: number;
  readonly planar?: number;
  readonly rows?: number;
  readonly columns?: number;
  readonly frames?: number;
  readonly allocated?: number;
  readonly stored?: number;
  readonly high?: number;
  readonly signed?: boolean;
  readonly transferSyntax?: string;
  readonly extra?: readonly DicomElement[];
  /** The tag and VR of the pixel data. */
  readonly pixelData?: readonly [tag: string, vr: string];
  readonly bytes: Buffer;
}

const number = (tag: string, value: number) => element(tag, 'US', [value]);

/** The identifiers of a test image. */
export interface TestImageIds {
  readonly studyUid: string;
  readonly seriesUid?: string;
  readonly sopUid?: string;
  readonly patientId?: string;
}

/** A DICOM file with these pixels. */
export function testFile(image: TestImage, ids: TestImageIds = { studyUid: freshUid() }): Buffer {
  const { samples = 1, rows = 1, allocated = 8, stored = allocated, high = stored - 1, bytes } = image;
  const frames = image.frames ?? 1;
  const [tag, vr] = image.pixelData ?? ['7FE00010', allocated > 8 ? 'OW' : 'OB'];
  const columns = image.columns ?? Math.floor((bytes.length * 8) / allocated / samples / rows / frames);
  const own = [
    number('00280002', samples),
    element('00280004', 'CS', image.photometric ?? 'MONOCHROME2'),
    ...(image.planar === undefined ? [] : [number('00280006', image.planar)]),
    element('00280008', 'IS', String(frames)),
    number('00280010', rows),
    number('00280011', columns),
    number('00280100', allocated),
    number('00280101', stored),
    number('00280102', high),
    number('00280103', image.signed === true ? 1 : 0),
    element(tag, vr, bytes),
  ];
  const extra = image.extra ?? [];
  const replaced = new Set(extra.map((one) => one.tag));
  return makeInstance({
    ...ids,
    modality: 'OT',
    frames: 0,
    transferSyntax: image.transferSyntax,
    extra: [...own.filter((one) => !replaced.has(one.tag)), ...extra],
  });
}

/** Renders a frame of a file in memory, as the gateway does with a file of the archive. */
export async function rendered(
  file: Buffer,
  frame = 1,
  window?: VoiWindow,
  withOverlays = false,
): Promise<RenderedFrame> {
  const header = await readImageHeader(Readable.from([file], { objectMode: true }));
  const { from, length, firstBit } = frameBytesOf(header, frame);
  const { format, place, values } = header;
  const elements = await readElements(Readable.from([file], { objectMode: true }), OVERLAYS);
  const overlays = withOverlays ? overlaysOf(elements.values, format, frame, true) : [];
  const presentation = { ...presentationOf(values, format, frame, window), overlays };
  const bytes = new Uint8Array(file.subarray(place.at + from, place.at + from + length));
  return renderFrame({ format, codec: undefined, bytes, firstBit }, presentation);
}

/** The samples of a rendered test image. */
export async function samplesOfImage(image: TestImage, frame = 1, window?: VoiWindow): Promise<number[]> {
  return [...(await rendered(testFile(image), frame, window)).samples];
}
