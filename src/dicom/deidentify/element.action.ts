import { BASIC_PROFILE, OPTIONS } from './confidentiality.table.js';
import type { DeidentificationOptions } from './deidentification.options.js';

/**
 * What happens to an element. `empty`: the value becomes empty. `replace`: a value becomes a fixed value of the same VR. `uid`: each UID gets
 * its pseudonym. `date`: the date is moved. `describe`: known words stay. `check`: values that can identify nobody stay. `items`: the items
 * are cleaned. `code`: the element belongs to a coded concept. `number`: binary numbers stay. `keep`: the value stays.
 */
export type ElementAction =
  | 'remove'
  | 'empty'
  | 'replace'
  | 'uid'
  | 'date'
  | 'describe'
  | 'check'
  | 'items'
  | 'code'
  | 'number'
  | 'keep';

const DATES = new Set(['DA', 'DT', 'TM']);
const CHECKED = new Set(['AS', 'CS', 'DS', 'IS']);
const NUMBERS = new Set(['AT', 'FD', 'FL', 'SL', 'SS', 'SV', 'UL', 'US', 'UV']);
const TEXTS = new Set(['AE', 'LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UR', 'UT']);
/** Code Value, Coding Scheme Designator, Coding Scheme Version, Code Meaning, Long Code Value, URN Code Value (PS3.3 §8). */
const CODE_ELEMENTS = new Set([0x00080100, 0x00080102, 0x00080103, 0x00080104, 0x00080119, 0x00080120]);
/**
 * Arrays without text: pixels, palettes, lookup tables, waveforms, surfaces and tracks (PS3.3 §C.7.6.3, §C.10.9, §C.27, §C.33). All other
 * bytes are removed, because nobody can say what they contain.
 */
const ARRAYS = new Set(
  '7fe00008 7fe00009 7fe00010 00281201 00281202 00281203 00281204 00281221 00281222 00281223 00281224 00283006 54000110 54000112 54001010 00660016 00660021 00660040 00660041 00660042 00660125 00660129'
    .split(' ')
    .map((tag) => Number.parseInt(tag, 16)),
);

const actions = new Map(
  Object.entries(BASIC_PROFILE).flatMap(([action, tags]) =>
    tagsOf(tags).map((tag) => [tag, action] as const),
  ),
);
const options = {
  modifiedDates: new Set(tagsOf(OPTIONS.modifiedDates)),
  retainPatient: new Set(tagsOf(OPTIONS.retainPatient)),
  retainDevice: new Set(tagsOf(OPTIONS.retainDevice)),
  cleanDescriptors: new Set(tagsOf(OPTIONS.cleanDescriptors)),
};

/**
 * Decides about an element by table E.1-1 of PS3.15. The table keeps all attributes that it does not list. This function is stricter: it
 * keeps such a value only if its VR cannot hold a name. `listed`: the VR of the element in PS3.6, which can be a text such as `OB or OW`.
 */
export function elementAction(
  tag: number,
  vr: string,
  listed: string | undefined,
  chosen: DeidentificationOptions,
): ElementAction {
  const [group, element] = [tag >>> 16, tag & 0xffff];
  const isCurveOrOverlay = group >>> 8 === 0x50 || group >>> 8 === 0x60;
  if (group % 2 === 1 || group < 8 || element === 0 || isCurveOrOverlay) return 'remove';
  // An element with another VR than that of PS3.6 was written wrongly, or was written to hide something.
  if (listed === undefined || !listed.includes(vr)) return 'remove';
  const action = actions.get(tag);
  return action === undefined ? unlistedAction(tag, vr, chosen) : listedAction(tag, vr, action, chosen);
}

function listedAction(
  tag: number,
  vr: string,
  action: string,
  chosen: DeidentificationOptions,
): ElementAction {
  if (chosen.modifiedDates && options.modifiedDates.has(tag) && DATES.has(vr)) return 'date';
  if (chosen.retainDevice && options.retainDevice.has(tag)) return retained(tag, vr, chosen);
  if (chosen.retainPatient && options.retainPatient.has(tag) && !TEXTS.has(vr))
    return unlistedAction(tag, vr, chosen);
  if (chosen.cleanDescriptors && options.cleanDescriptors.has(tag) && TEXTS.has(vr)) return 'describe';
  if (vr === 'SQ') return action === 'X' ? 'remove' : action === 'Z' || action === 'X/Z' ? 'empty' : 'items';
  if (action === 'X') return 'remove';
  if (action === 'Z' || action === 'X/Z') return 'empty';
  return vr === 'UI' ? 'uid' : 'replace';
}

function retained(tag: number, vr: string, chosen: DeidentificationOptions): ElementAction {
  return TEXTS.has(vr) ? 'keep' : unlistedAction(tag, vr, chosen);
}

function unlistedAction(tag: number, vr: string, chosen: DeidentificationOptions): ElementAction {
  if (vr === 'SQ') return 'items';
  if (vr === 'UI') return 'uid';
  if (CODE_ELEMENTS.has(tag)) return 'code';
  if (DATES.has(vr)) return chosen.modifiedDates ? 'date' : 'replace';
  if (CHECKED.has(vr)) return 'check';
  if (ARRAYS.has(tag)) return 'keep';
  if (NUMBERS.has(vr)) return 'number';
  return TEXTS.has(vr) ? 'replace' : 'remove';
}

function tagsOf(text: string): readonly number[] {
  return text
    .trim()
    .split(/\s+/)
    .map((tag) => Number.parseInt(tag, 16));
}
