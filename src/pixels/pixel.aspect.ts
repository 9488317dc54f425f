import type { Selection } from '../dicom/selected.reader.js';
import type { SelectedValues } from '../dicom/selected.values.js';
import { groupsOf, PER_FRAME, SHARED } from './functional.groups.js';

const PIXEL_SPACING = 0x00280030;
/** Imager Pixel Spacing and Nominal Scanned Pixel Spacing. */
const OTHER_SPACINGS = [0x00181164, 0x00182010];
const ASPECT_RATIO = 0x00280034;
/** Pixel Measures Sequence (PS3.3 §C.7.6.16.2.1). */
const PIXEL_MEASURES = 0x00289110;

const value = (tag: number) => [tag, 'value'] as const;
const GROUPS: Selection = new Map([[PIXEL_MEASURES, new Map([value(PIXEL_SPACING)])]]);

/** The elements that {@link pixelAspect} reads. */
export const ASPECT: Selection = new Map<number, 'value' | Selection>([
  ...[PIXEL_SPACING, ...OTHER_SPACINGS, ASPECT_RATIO].map(value),
  [SHARED, GROUPS],
  [PER_FRAME, GROUPS],
]);

/** Ratios beyond this limit are faults of the writer. */
const LARGEST = 32;

/**
 * The height of a pixel divided by its width, for a frame (counted from 1): from the distances of the pixels (PS3.3 §10.7), or from Pixel
 * Aspect Ratio (PS3.3 §C.7.6.3.1.7). 1 if the image does not say it.
 */
export function pixelAspect(values: SelectedValues, frame: number): number {
  const measured = groupsOf(values, frame, PIXEL_MEASURES).map((one) => ratioOf(one, PIXEL_SPACING));
  const others = [...OTHER_SPACINGS, ASPECT_RATIO].map((tag) => ratioOf(values, tag));
  return [...measured, ...others].find((ratio) => ratio !== undefined) ?? 1;
}

/** The first number of a pair divided by the second. Vertical comes first in each of these elements. */
function ratioOf(values: SelectedValues, tag: number): number | undefined {
  const [vertical = 0, horizontal = 0] = values.decimals(tag);
  if (vertical <= 0 || horizontal <= 0) return undefined;
  const ratio = vertical / horizontal;
  return ratio <= LARGEST && ratio >= 1 / LARGEST ? ratio : undefined;
}
