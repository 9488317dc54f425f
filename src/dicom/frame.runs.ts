import type { Fragment, Fragments } from './fragments.js';

/** One frame: its fragments `from` to `to` (not included), and its bytes without padding where a table says how many they are. */
export interface FrameRun {
  readonly from: number;
  readonly to: number;
  readonly length: number | undefined;
}

/**
 * Which fragments the frames of encapsulated pixel data are (PS3.5 §A.4), the first table or rule that agrees with the fragments: Extended
 * Offset Table, Basic Offset Table, the markers that images begin and end with, one fragment each. `undefined` when none does: the
 * boundaries cannot be known. What is stored beyond the last frame is left out.
 */
export function frameRuns(fragments: Fragments, frames: number): readonly FrameRun[] | undefined {
  const { all, extendedOffsets, basicOffsets } = fragments;
  if (all.every(({ length }) => length === 0)) return undefined;
  if (frames <= 1) return [{ from: 0, to: all.length, length: lengthOf(fragments, 0, 0, all.length, 1) }];
  return (
    byTable(fragments, extendedOffsets, frames, true) ??
    byTable(fragments, basicOffsets, frames, false) ??
    byMarkers(fragments, frames) ??
    oneEach(all, frames)
  );
}

/** A table is believed when there is one offset for each frame, each at a fragment, and an image begins at each as far as one can tell. */
function byTable(
  fragments: Fragments,
  offsets: readonly number[],
  frames: number,
  isExtended: boolean,
): readonly FrameRun[] | undefined {
  const { all, coding } = fragments;
  const first = all[0]?.at ?? 0;
  if (offsets.length !== frames || offsets[0] !== 0) return undefined;
  const places = new Map(all.map(({ at }, index) => [at - first, index]));
  const starts = offsets.map((offset) => places.get(offset) ?? -1);
  const isRising = starts.every((start, index) => index === 0 || start > (starts[index - 1] ?? -1));
  if (!isRising) return undefined;
  const runs = starts.map((from, index) => {
    const to = endOf(fragments, from, starts[index + 1] ?? all.length);
    const length = isExtended ? lengthOf(fragments, index, from, to, frames) : undefined;
    return { from, to, length };
  });
  const agrees = ({ from, to }: FrameRun) => {
    const held = all.slice(from, to).filter(({ length }) => length > 0);
    return held.length > 0 && (coding === undefined || held[0]?.begins === true);
  };
  return runs.every(agrees) ? runs : undefined;
}

/** What the Extended Offset Table Lengths say of a frame, when that is all of its fragments but for the padding. */
function lengthOf(
  { all, extendedLengths }: Fragments,
  index: number,
  from: number,
  to: number,
  frames: number,
): number | undefined {
  const length = extendedLengths.length === frames ? extendedLengths[index] : undefined;
  if (length === undefined) return undefined;
  const held = all.slice(from, to).reduce((sum, fragment) => sum + fragment.length, 0);
  return length === held || length === held - 1 ? length : undefined;
}

/** An image begins where one is marked to begin after the end of another; where ends are not marked, the beginnings alone count. */
function byMarkers(fragments: Fragments, frames: number): readonly FrameRun[] | undefined {
  const { all, coding } = fragments;
  if (coding === undefined) return undefined;
  const begun = all.flatMap(({ begins }, index) => (begins ? [index] : []));
  const afterAnEnd = begun.filter((index) => endsBefore(all, index));
  const starts = [afterAnEnd, begun].find(({ length }) => length === frames) ?? afterAnEnd;
  if (starts.length < frames) return undefined;
  return starts.slice(0, frames).map((from, index) => {
    const next = starts[index + 1] ?? all.length;
    const to = endOf(fragments, from, next);
    return { from, to, length: undefined };
  });
}

/** Where the fragments of an image end: what follows its end and begins no other is not part of it. */
function endOf({ all, coding }: Fragments, from: number, next: number): number {
  if (coding === undefined) return next;
  const end = all.findIndex(
    ({ length, ends }, at) => at >= from && at < next && length > 0 && (ends || coding.isSingle),
  );
  return end < 0 ? next : end + 1;
}

function endsBefore(all: readonly Fragment[], index: number): boolean {
  const before = all.slice(0, index).findLast(({ length }) => length > 0);
  return before === undefined || before.ends;
}

/** As many fragments as frames, or as many that are not empty. */
function oneEach(all: readonly Fragment[], frames: number): readonly FrameRun[] | undefined {
  if (all.length === frames && all.every(({ length }) => length > 0))
    return all.map((_, index) => alone(index));
  const held = all.flatMap(({ length }, index) => (length > 0 ? [alone(index)] : []));
  return held.length === frames ? held : undefined;
}

function alone(from: number): FrameRun {
  return { from, to: from + 1, length: undefined };
}
