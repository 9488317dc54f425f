import type { Selection } from '../dicom/selected.reader.js';
import type { SelectedValues } from '../dicom/selected.values.js';

const RECOMMENDED_RATE = 0x00082144;
const FRAME_TIME = 0x00181063;
const FRAME_TIME_VECTOR = 0x00181065;
const CINE_RATE = 0x00180040;

/** The elements that {@link frameDelay} reads. */
export const DELAYS: Selection = new Map(
  [RECOMMENDED_RATE, FRAME_TIME, FRAME_TIME_VECTOR, CINE_RATE].map((tag) => [tag, 'value'] as const),
);

const DEFAULT_MS = 100;
/** Browsers replace shorter delays by 100 ms. */
const SHORTEST_MS = 20;
const LONGEST_MS = 60_000;

/**
 * How long a frame (counted from 1) of an animation is shown, in milliseconds: by Recommended Display Frame Rate, Frame Time Vector, Frame
 * Time or Cine Rate (PS3.3 §C.7.6.5), and otherwise 100 ms. The vector has the time before each frame.
 */
export function frameDelay(values: SelectedValues, frame: number): number {
  const vector = values.decimals(FRAME_TIME_VECTOR);
  const perSecond = (tag: number) => 1000 / (values.decimal(tag) ?? 0);
  const candidates = [
    perSecond(RECOMMENDED_RATE),
    vector[frame] ?? vector.at(-1),
    values.decimal(FRAME_TIME),
    perSecond(CINE_RATE),
  ];
  const found = candidates.find((one) => one !== undefined && Number.isFinite(one) && one > 0) ?? DEFAULT_MS;
  return Math.min(Math.max(Math.round(found), SHORTEST_MS), LONGEST_MS);
}
