import type { VoiWindow } from '../../pixels/voi.functions.js';

/** A window of the archive: black is `center - width / 2` and white is `center + width / 2`, in modality units. */
export interface ArchiveWindow {
  readonly center: number;
  readonly width: number;
}

/**
 * Converts a window for the archive, which has only the function LINEAR_EXACT (PS3.3 C.11.2.1.3.2). Both ends of a LINEAR window (PS3.3
 * C.11.2.1.2.1) are pixel values. So a LINEAR window is the same as a LINEAR_EXACT window whose center is half a unit lower and whose width
 * is one unit smaller.
 */
export function archiveWindow({ center, width, shape }: VoiWindow): ArchiveWindow {
  const narrower = shape === 'LINEAR' ? 1 : 0;
  const exact = { center: center - narrower / 2, width: width - narrower };
  const { center: middle, width: span } = exact.width < 1 ? widened(exact) : exact;
  return { center: decimal(middle), width: decimal(span) };
}

/**
 * Replaces a window that is narrower than 1, because the archive needs a width of at least 1. Both windows show every whole pixel value
 * with the same brightness, because the narrower window contains at most one whole number.
 */
function widened({ center, width }: ArchiveWindow): ArchiveWindow {
  const from = center - width / 2;
  const whole = Math.ceil(from);
  const share = whole === from ? 0 : Math.min(1, (whole - from) / width);
  return { center: whole - share + 0.5, width: 1 };
}

/** Rounds to six decimals, so that a very small number is not written with an exponent. */
function decimal(value: number): number {
  return Number(value.toFixed(6));
}
