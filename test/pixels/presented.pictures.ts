import { Readable } from 'node:stream';
import { type DicomElement, freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { type RenderedFrame, renderFrame } from '../../src/pixels/frame.renderer.js';
import { frameBytesOf, readElements, readImageHeader } from '../../src/pixels/image.header.js';
import { OVERLAYS } from '../../src/pixels/marks/overlay.planes.js';
import { scaledPicture } from '../../src/pixels/picture.encoder.js';
import { pixelAspect } from '../../src/pixels/pixel.aspect.js';
import { presentationOf } from '../../src/pixels/presentation.js';
import { arrangedPicture } from '../../src/pixels/states/arranged.picture.js';
import { areaAspect, placementOf } from '../../src/pixels/states/displayed.area.js';
import { planesByState, presentationByState, STATE } from '../../src/pixels/states/shown.state.js';
import { marksOf } from '../../src/pixels/states/state.graphics.js';
import { isReferenced } from '../../src/pixels/states/state.references.js';
import type { Viewport } from '../../src/pixels/viewport.js';
import { type TestImage, testFile } from './rendering.ts';

/** The SOP classes of Grayscale, Color and Pseudo-Color Softcopy Presentation States. */
export const StateClass = {
  grey: '1.2.840.10008.5.1.4.1.1.11.1',
  colour: '1.2.840.10008.5.1.4.1.1.11.2',
  pseudo: '1.2.840.10008.5.1.4.1.1.11.3',
} as const;

const items = (tag: string, ...all: DicomElement[][]) => element(tag, 'SQ', { items: all });

/** Referenced Image Sequence with one image, and the given frames of it. */
export function imageReference(sopUid: string, frames?: string): DicomElement {
  return items('00081140', [
    element('00081150', 'UI', '1.2.840.10008.5.1.4.1.1.7'),
    element('00081155', 'UI', sopUid),
    ...(frames === undefined ? [] : [element('00081160', 'IS', frames)]),
  ]);
}

/** The identifiers of a state, and the image that it refers to. */
export interface StateOptions {
  readonly studyUid?: string;
  readonly seriesUid?: string;
  readonly sopUid?: string;
  readonly patientId?: string;
  readonly sopClassUid?: string;
  readonly image: string;
  readonly frames?: string;
}

/** A presentation state with these elements. */
export function stateFile(
  { image, frames, ...options }: StateOptions,
  extra: readonly DicomElement[],
): Buffer {
  const series = items('00081115', [element('0020000E', 'UI', freshUid()), imageReference(image, frames)]);
  return makeInstance({
    sopClassUid: StateClass.grey,
    ...options,
    modality: 'PR',
    extra: [series, ...extra],
  });
}

/** The graphic annotations of a state, in one layer. */
export function graphics(
  objects: readonly DicomElement[][],
  texts: readonly DicomElement[][] = [],
  layer = 'L',
): DicomElement {
  return items('00700001', [
    element('00700002', 'CS', layer),
    ...(texts.length === 0 ? [] : [items('00700008', ...texts)]),
    ...(objects.length === 0 ? [] : [items('00700009', ...objects)]),
  ]);
}

/** A graphic object. */
export function graphic(
  kind: string,
  points: readonly number[],
  units = 'PIXEL',
  filled = 'N',
): DicomElement[] {
  return [
    element('00700005', 'CS', units),
    element('00700020', 'US', [2]),
    element('00700021', 'US', [points.length / 2]),
    element('00700022', 'FL', points),
    element('00700023', 'CS', kind),
    element('00700024', 'CS', filled),
  ];
}

/** Displayed Area Selection Sequence. */
export function area(
  topLeft: readonly number[],
  bottomRight: readonly number[],
  extra: readonly DicomElement[] = [],
  mode = 'SCALE TO FIT',
): DicomElement {
  return items('0070005A', [
    element('00700052', 'SL', topLeft),
    element('00700053', 'SL', bottomRight),
    element('00700100', 'CS', mode),
    ...extra,
  ]);
}

/** Softcopy VOI LUT Sequence with one window, for all images or for one reference. */
export function softcopyWindow(center: number, width: number, reference?: DicomElement): DicomElement[] {
  return [
    ...(reference === undefined ? [] : [reference]),
    element('00281050', 'DS', String(center)),
    element('00281051', 'DS', String(width)),
  ];
}

/** Shows a test image by a state, as the gateway does, without workers. */
export async function presented(
  image: TestImage,
  extra: readonly DicomElement[],
  {
    frame = 1,
    viewport,
    sopClassUid = StateClass.grey,
  }: { frame?: number; viewport?: Viewport; sopClassUid?: string } = {},
): Promise<RenderedFrame> {
  const sopUid = freshUid();
  const file = testFile(image, { studyUid: freshUid(), sopUid });
  return shown(
    file,
    stateFile({ image: sopUid, sopClassUid }, extra),
    { sopUid, frame },
    viewport,
    sopClassUid,
  );
}

const source = (bytes: Buffer) => Readable.from([bytes], { objectMode: true });

/** Shows a frame of a file by the file of a state. */
export async function shown(
  file: Buffer,
  stateBytes: Buffer,
  target: { readonly sopUid: string; readonly frame: number },
  viewport?: Viewport,
  sopClassUid: string = StateClass.grey,
): Promise<RenderedFrame> {
  const header = await readImageHeader(source(file));
  const { values: state } = await readElements(source(stateBytes), STATE);
  const { values: overlays } = await readElements(source(file), OVERLAYS);
  if (!isReferenced(state, target)) throw new Error('not referenced');
  const { format, place, values } = header;
  const aspect = areaAspect(state, target) ?? pixelAspect(values, target.frame);
  const own = presentationOf(values, format, target.frame);
  const presentation = presentationByState(state, sopClassUid, target, format, aspect, own);
  const size = { width: format.columns, height: format.rows };
  const placement = placementOf(state, target, size, aspect, viewport);
  if (placement === undefined) throw new Error('outside');
  const marks = marksOf(state, target, planesByState(state, overlays, target.frame));
  const { from, length, firstBit } = frameBytesOf(header, target.frame);
  const bytes = new Uint8Array(file.subarray(place.at + from, place.at + from + length));
  const rendered = await renderFrame({ format, codec: undefined, bytes, firstBit }, presentation);
  const straight = {
    region: placement.region,
    size: placement.target,
    isMirrored: false,
    isUpsideDown: false,
  };
  return arrangedPicture(await scaledPicture(rendered, straight), { placement, marks });
}
