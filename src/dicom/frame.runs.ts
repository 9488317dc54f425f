import type { Fragment, Fragments } from './fragments.js';

/**
 * The fragments of one frame: from index `from` to index `to` (exclusive). `length`: bytes of the frame without padding, if the Extended
 * Offset Table Lengths contain it.
 */
export interface FrameRun {
  readonly from: number;
  readonly to: number;
  readonly length: number | undefined;
}

/**
 * Assigns the fragments of encapsulated pixel data to frames (PS3.5 §A.4). Tries four methods in this order: Extended Offset Table, Basic
 * Offset Table, markers at the start and end of images, one fragment per frame. Uses the first method that agrees with the fragments.
 * Returns `undefined` when no method agrees, because the frame boundaries are then unknown. Fragments after the last frame are left out.
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

/**
 * Uses an offset table if it has one offset for each frame and each offset is the position of a fragment. If the coding is known, each of
 * these fragments must begin an image.
 */
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

/**
 * The length of a frame from the Extended Offset Table Lengths. Returns `undefined` unless this length is the total length of the
 * fragments, or one byte less because of padding.
 */
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

/**
 * A frame begins at a start marker that follows an end marker. Some images have no end markers. Then each start marker begins a frame, if
 * there are as many start markers as frames.
 */
function byMarkers(fragments: Fragments, frames: number): readonly FrameRun[] | undefined {
  const { all, coding } = fragments;
  if (coding === undefined) return undefined;
  const begun = all.flatMap(({ begins }, index) => (begins ? [index] : []));
  const afterEnd = begun.filter((index) => endsBefore(all, index));
  const starts = [afterEnd, begun].find(({ length }) => length === frames) ?? afterEnd;
  if (starts.length < frames) return undefined;
  return starts.slice(0, frames).map((from, index) => {
    const next = starts[index + 1] ?? all.length;
    const to = endOf(fragments, from, next);
    return { from, to, length: undefined };
  });
}

/** The index after the last fragment of an image. Fragments between its end marker and the next image are not part of the image. */
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

/** Assigns one fragment to each frame. The number of fragments, or of fragments that are not empty, must be the number of frames. */
function oneEach(all: readonly Fragment[], frames: number): readonly FrameRun[] | undefined {
  if (all.length === frames && all.every(({ length }) => length > 0))
    return all.map((_, index) => alone(index));
  const held = all.flatMap(({ length }, index) => (length > 0 ? [alone(index)] : []));
  return held.length === frames ? held : undefined;
}

function alone(from: number): FrameRun {
  return { from, to: from + 1, length: undefined };
}
