import { ellipse, render } from './painting.ts';

/** The position of a phantom in space. The slices are square and axial. Patient coordinates are in millimetres (PS3.3 §C.7.6.2). */
export interface PhantomGeometry {
  slices: number;
  rows: number;
  columns: number;
  /** The distance between the centres of adjacent pixels, in millimetres. */
  spacing: number;
  /** The distance between slices, in millimetres. The first slice is at z = 0. The following slices are closer to the head. */
  thickness: number;
}

/** The thorax of the first demo patient. */
export const THORAX: PhantomGeometry = { slices: 60, rows: 256, columns: 256, spacing: 1.5, thickness: 3 };

/** The head of the second demo patient. */
export const HEAD: PhantomGeometry = { slices: 24, rows: 128, columns: 128, spacing: 2, thickness: 5 };

/** The abdomen of the fourth demo patient. */
export const ABDOMEN: PhantomGeometry = { slices: 16, rows: 256, columns: 256, spacing: 1.5, thickness: 5 };

const AIR = -1000;

/** The Hounsfield value of the bleed in the head. No other tissue has this value. */
export const BLEED = 75;

/**
 * Returns one slice of the thorax in Hounsfield units, row by row. The first pixel is at the patient's right front. The body has a bony
 * ring, two lungs that grow and shrink along z, the heart on the patient's left, and a spine at the back. A wedge is outside the body, at
 * the right front. From slice 0 to slice 59, a bead moves once clockwise around the body.
 */
export function phantomSlice(index: number): Int16Array {
  const along = index / THORAX.slices;
  const swelling = 0.55 + 0.45 * Math.sin(Math.PI * (0.15 + 0.7 * along));
  const turn = 2 * Math.PI * along;
  return render(THORAX, (x, y) => {
    if (inWedge(x, y)) return 1500;
    const body = ellipse(x, y, 0, 0, 155, 110);
    if (body > 1) return AIR;
    if (body > 0.88) return -100;
    if (ellipse(x, y, 122 * Math.sin(turn), -82 * Math.cos(turn), 7, 7) <= 1) return 1200;
    if (body > 0.62 && body < 0.72) return 700;
    if (ellipse(x, y, 0, 66, 9, 9) <= 1) return 20;
    if (ellipse(x, y, 0, 60, 24, 20) <= 1) return 900;
    if (ellipse(x, y, 22, -20, 34 * (1.1 - along), 28 * (1.1 - along)) <= 1) return 180;
    if (ellipse(x, y, -62, -4, 46 * swelling, 58 * swelling) <= 1) return -820;
    if (ellipse(x, y, 62, -4, 42 * swelling, 56 * swelling) <= 1) return -820;
    return 40;
  });
}

/**
 * Returns one slice of the head in Hounsfield units. It has a skull that becomes narrower upwards, a brain, two ventricles, and a bleed on
 * the patient's right.
 */
export function headSlice(index: number): Int16Array {
  const along = index / HEAD.slices;
  const width = 1 - 0.45 * along * along;
  return render(HEAD, (x, y) => {
    if (inWedge(x * 1.4, y * 1.4)) return 1500;
    const skull = ellipse(x, y, 0, 0, 76 * width, 96 * width);
    if (skull > 1) return AIR;
    if (skull > 0.92) return 30;
    if (skull > 0.78) return 1000;
    if (ellipse(x, y, -12, 0, 7, 30 * (1 - along)) <= 1) return 5;
    if (ellipse(x, y, 12, 0, 7, 30 * (1 - along)) <= 1) return 5;
    if (ellipse(x, y, -34, 20, 14 * along, 14 * along) <= 1) return BLEED;
    return 35;
  });
}

/**
 * Returns one slice of the abdomen in Hounsfield units. It has a liver with a dark cyst on the patient's right, a spleen on the left, an
 * aorta and a spine. The kidneys are visible only in the lower slices.
 */
export function abdomenSlice(index: number): Int16Array {
  const along = index / ABDOMEN.slices;
  const kidney = 1 - 0.7 * along;
  return render(ABDOMEN, (x, y) => {
    if (inWedge(x, y)) return 1500;
    const body = ellipse(x, y, 0, 0, 150, 105);
    if (body > 1) return AIR;
    if (body > 0.8) return -100;
    if (ellipse(x, y, 0, 58, 20, 17) <= 1) return 600;
    if (ellipse(x, y, 8, 28, 10, 10) <= 1) return 220;
    if (ellipse(x, y, -60, 52, 24 * kidney, 30 * kidney) <= 1) return 160;
    if (ellipse(x, y, 60, 52, 24 * kidney, 30 * kidney) <= 1) return 160;
    if (ellipse(x, y, -75, -10, 12, 12) <= 1) return 5;
    if (ellipse(x, y, -58, -12, 62 * (0.5 + along / 2), 56) <= 1) return 110;
    if (ellipse(x, y, 96, 18, 22, 34 * (0.4 + 0.6 * along)) <= 1) return 125;
    return 35;
  });
}

/**
 * Whether a point is in a right-angled wedge at the right front. The long side of the wedge is parallel to the front. The wedge shows
 * whether an image is mirrored or rotated.
 */
function inWedge(x: number, y: number): boolean {
  const across = x + 180;
  const down = y + 180;
  return across >= 0 && down >= 0 && across / 70 + down / 35 <= 1;
}
