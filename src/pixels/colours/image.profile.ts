import type { Selection } from '../../dicom/selected.reader.js';
import type { SelectedValues } from '../../dicom/selected.values.js';
import { groupsOf, PER_FRAME, SHARED } from '../functional.groups.js';
import { PixelsRefused } from '../pixels.refused.js';
import { requireRgbProfile } from './matrix.profile.js';
import { LONGEST_PROFILE } from './profile.embedding.js';

const PROFILE = 0x00282000;
/** Optical Path Sequence of a microscopic image, and the identifier of an optical path (PS3.3 §C.8.12.5). */
const OPTICAL_PATHS = 0x00480105;
const PATH_IDENTIFIER = 0x00480106;
/** Optical Path Identification Sequence of a frame. */
const FRAME_PATH = 0x00480207;

const PATH: Selection = new Map([
  [PROFILE, 'value'],
  [PATH_IDENTIFIER, 'value'],
]);
const GROUPS: Selection = new Map([[FRAME_PATH, new Map([[PATH_IDENTIFIER, 'value' as const]])]]);

/** The elements that {@link profileOf} reads. */
export const PROFILES: Selection = new Map<number, 'value' | Selection>([
  [PROFILE, 'value'],
  [OPTICAL_PATHS, PATH],
  [SHARED, GROUPS],
  [PER_FRAME, GROUPS],
]);

/**
 * The ICC profile of a frame (counted from 1): of its optical path, or of the image. `undefined` if the image has none. Throws `PixelsRefused`
 * for a broken profile.
 */
export function profileOf(values: SelectedValues, frame: number): Uint8Array | undefined {
  const paths = values.items(OPTICAL_PATHS);
  const named = groupsOf(values, frame, FRAME_PATH)
    .map((group) => group.text(PATH_IDENTIFIER))
    .find((identifier) => identifier !== '');
  const path = paths.find((one) => one.text(PATH_IDENTIFIER) === named) ?? paths[0];
  const bytes = [path, values].find((one) => one?.has(PROFILE) === true)?.bytes(PROFILE);
  if (bytes === undefined) return undefined;
  requireRgbProfile(bytes);
  if (bytes.length > LONGEST_PROFILE) throw new PixelsRefused('its ICC profile is too long');
  // The padding after the profile is not part of it.
  return Uint8Array.from(bytes.subarray(0, bytes.readUInt32BE(0)));
}
