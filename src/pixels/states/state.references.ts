import type { Selection } from '../../dicom/selected.reader.js';
import type { SelectedValues } from '../../dicom/selected.values.js';

/** The image to which a state is applied, and its frame (counted from 1). */
export interface TargetImage {
  readonly sopUid: string;
  readonly frame: number;
}

const REFERENCED_SERIES = 0x00081115;
/** Referenced Image Sequence. */
export const REFERENCED_IMAGES = 0x00081140;
const SOP_INSTANCE = 0x00081155;
const FRAME_NUMBER = 0x00081160;

/** The elements of a reference to images. */
export const REFERENCE: Selection = new Map([
  [SOP_INSTANCE, 'value'],
  [FRAME_NUMBER, 'value'],
]);
/** The elements that {@link isReferenced} reads. */
export const REFERENCES: Selection = new Map<number, 'value' | Selection>([
  [REFERENCED_SERIES, new Map([[REFERENCED_IMAGES, REFERENCE]])],
]);

/** Whether the state refers to this frame (PS3.3 §C.11.11). */
export function isReferenced(state: SelectedValues, target: TargetImage): boolean {
  return state
    .items(REFERENCED_SERIES)
    .some((series) => series.items(REFERENCED_IMAGES).some((image) => isMeant(image, target)));
}

/** Whether an item of a state applies to this frame. An item without references applies to all images of the state. */
export function appliesTo(item: SelectedValues, target: TargetImage): boolean {
  const images = item.items(REFERENCED_IMAGES);
  return images.length === 0 || images.some((image) => isMeant(image, target));
}

/** Whether a reference means this frame. A reference without frame numbers means all frames. */
function isMeant(image: SelectedValues, { sopUid, frame }: TargetImage): boolean {
  if (image.text(SOP_INSTANCE) !== sopUid) return false;
  return !image.has(FRAME_NUMBER) || image.decimals(FRAME_NUMBER).includes(frame);
}
