import { joinedSelections, type Selection } from '../../dicom/selected.reader.js';
import type { SelectedValues } from '../../dicom/selected.values.js';
import { OVERLAY_GROUPS, OVERLAYS, separatePlane } from '../marks/overlay.planes.js';
import { PALETTE_TAGS, readPalette } from '../palette.js';
import { isColour, type PixelFormat } from '../pixel.format.js';
import { PixelsRefused } from '../pixels.refused.js';
import {
  isInverseShape,
  LAST_STEP,
  lastTableOf,
  type Modality,
  MODALITY,
  modalityOf,
  type Presentation,
  type Voi,
  VOI,
  voiOf,
} from '../presentation.js';
import { AREA } from './displayed.area.js';
import { GRAPHIC_ANNOTATIONS, type LayerPlane } from './state.graphics.js';
import { appliesTo, REFERENCE, REFERENCED_IMAGES, REFERENCES, type TargetImage } from './state.references.js';
import { SHUTTERS, shuttersOf } from './state.shutters.js';

/** The presentation states that can be applied (PS3.4 §B.5), with what they do with grey: Grayscale, Color and Pseudo-Color Softcopy. */
const CLASSES: ReadonlyMap<string, 'grey' | 'image' | 'colours'> = new Map([
  ['1.2.840.10008.5.1.4.1.1.11.1', 'grey'],
  ['1.2.840.10008.5.1.4.1.1.11.2', 'image'],
  ['1.2.840.10008.5.1.4.1.1.11.3', 'colours'],
]);
const ALL_STATES = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.11\.\d+$/;

const SOFTCOPY_VOI = 0x00283110;
const MASK = 0x00286100;
/** Overlay Activation Layer of an overlay group. */
const ACTIVATION_LAYER = 0x1001;

/** The elements of a state that are needed to apply it. */
export const STATE: Selection = joinedSelections(
  REFERENCES,
  MODALITY,
  LAST_STEP,
  SHUTTERS,
  AREA,
  OVERLAYS,
  GRAPHIC_ANNOTATIONS,
  new Map(OVERLAY_GROUPS.map((group) => [group + ACTIVATION_LAYER, 'value'])),
  new Map(PALETTE_TAGS.map((tag) => [tag, 'value'])),
  new Map<number, 'value' | Selection>([
    [SOFTCOPY_VOI, joinedSelections(VOI, new Map([[REFERENCED_IMAGES, REFERENCE]]))],
    [MASK, new Map([[0x00286101, 'value']])],
  ]),
);

/** Whether a SOP class is a presentation state. */
export function isState(sopClassUid: string): boolean {
  return ALL_STATES.test(sopClassUid);
}

/** Whether a presentation state of this SOP class can be applied. */
export function canBeApplied(sopClassUid: string): boolean {
  return CLASSES.has(sopClassUid);
}

/**
 * The presentation of a frame by a state. `own`: the presentation of the image by its own attributes. The grayscale transformations of the
 * state replace those of the image, and Photometric Interpretation decides nothing (PS3.4 §N.2.1). Throws `PixelsRefused` for unusable
 * tables or shutters, and for a state that subtracts a mask.
 */
export function presentationByState(
  state: SelectedValues,
  sopClassUid: string,
  target: TargetImage,
  format: PixelFormat,
  aspect: number,
  own: Presentation,
): Presentation {
  if (state.items(MASK).length > 0)
    throw new PixelsRefused('the presentation state subtracts a mask, which is not supported');
  const shutters = shuttersOf(state, target.frame, aspect);
  const kind = CLASSES.get(sopClassUid) ?? 'image';
  if (kind === 'image' || isColour(format)) return { ...own, shutters };
  const modality = modalityOf(state, format) ?? { slope: 1, intercept: 0 };
  const isSigned = format.isSigned || ('intercept' in modality && modality.intercept < 0);
  const item = state.items(SOFTCOPY_VOI).find((one) => appliesTo(one, target));
  const voi = item === undefined ? undefined : voiOf(item, isSigned);
  const table = lastTableOf(state);
  return {
    modality,
    voi: voi ?? wholeRange(modality, format),
    table,
    isInverse: table === undefined && isInverseShape(state),
    padding: undefined,
    palette: undefined,
    greyColours: kind === 'colours' ? readPalette(state, false) : undefined,
    shutters,
  };
}

/** All values that the stored samples can have, in modality units: without a VOI LUT, this range is shown. */
function wholeRange(modality: Modality, { numbers, bitsStored, isSigned }: PixelFormat): Voi {
  if (numbers !== 'integer') return {};
  if ('table' in modality) return { least: 0, most: 2 ** modality.table.bits - 1 };
  const size = 2 ** bitsStored;
  const ends = isSigned ? [-size / 2, size / 2 - 1] : [0, size - 1];
  const [one = 0, other = 0] = ends.map((end) => end * modality.slope + modality.intercept);
  return { least: Math.min(one, other), most: Math.max(one, other) };
}

/** Whether a state shows overlay planes that are not in the state itself. */
export function showsImagePlanes(state: SelectedValues): boolean {
  return OVERLAY_GROUPS.some((group) => activeLayer(state, group) !== '' && !isInState(state, group));
}

/**
 * The overlay planes that a state shows (PS3.3 §C.11.7). A plane in the state replaces the plane of the same group in the image. `image`: the
 * overlay elements of the image.
 */
export function planesByState(
  state: SelectedValues,
  image: SelectedValues | undefined,
  frame: number,
): readonly LayerPlane[] {
  return OVERLAY_GROUPS.flatMap((group) => {
    const layer = activeLayer(state, group);
    const source = isInState(state, group) ? state : image;
    const plane = layer === '' || source === undefined ? undefined : separatePlane(source, group, frame);
    return plane === undefined ? [] : [{ layer, plane }];
  });
}

function activeLayer(state: SelectedValues, group: number): string {
  return state.text(group + ACTIVATION_LAYER);
}

function isInState(state: SelectedValues, group: number): boolean {
  return state.has(group + 0x3000);
}
