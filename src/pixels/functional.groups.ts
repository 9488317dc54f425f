import type { SelectedValues } from '../dicom/selected.values.js';

/** Shared and Per-Frame Functional Groups Sequence (PS3.3 §C.7.6.16). */
export const SHARED = 0x52009229;
export const PER_FRAME = 0x52009230;

/**
 * The data sets that can describe a frame (counted from 1): the item of a functional group for this frame, the shared item, and the instance
 * itself. The first one that has an attribute decides.
 */
export function groupsOf(values: SelectedValues, frame: number, sequence: number): readonly SelectedValues[] {
  const groups = [values.items(PER_FRAME)[frame - 1], values.items(SHARED)[0]];
  return [...groups.flatMap((group) => group?.items(sequence)[0] ?? []), values];
}
