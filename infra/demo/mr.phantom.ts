import { grain, render } from './painting.ts';

/**
 * The planes of the demo's MR series (PS3.3 §C.7.6.2). The row direction is posterior in a sagittal plane and left in a coronal plane. The
 * column direction is inferior in both planes.
 */
export type MrPlane = 'sagittal' | 'coronal';

/** The position of an MR series in space, in millimetres. The centre of the series is the centre of the head. */
export interface MrGeometry {
  plane: MrPlane;
  slices: number;
  rows: number;
  columns: number;
  spacing: number;
  /** The distance between the centres of adjacent slices. */
  thickness: number;
}

/** A T1-weighted sagittal series. The first slice is on the patient's right. */
export const SAGITTAL: MrGeometry = {
  plane: 'sagittal',
  slices: 20,
  rows: 192,
  columns: 176,
  spacing: 1.3,
  thickness: 5.5,
};

/** A T2-weighted coronal series. The first slice is at the front. */
export const CORONAL: MrGeometry = {
  plane: 'coronal',
  slices: 14,
  rows: 192,
  columns: 160,
  spacing: 1.3,
  thickness: 11,
};

type Tissue = 'air' | 'fat' | 'bone' | 'fluid' | 'grey' | 'white' | 'muscle' | 'lesion';

/** The brightness of each tissue in each weighting. */
const SIGNAL: Record<'T1' | 'T2', Record<Tissue, number>> = {
  T1: { air: 10, fat: 900, bone: 70, fluid: 130, grey: 420, white: 600, muscle: 340, lesion: 250 },
  T2: { air: 10, fat: 620, bone: 50, fluid: 950, grey: 480, white: 330, muscle: 210, lesion: 820 },
};

/** Returns the distance of a slice from the centre of the head, in millimetres. */
export function sliceOffset({ slices, thickness }: MrGeometry, index: number): number {
  return (index - (slices - 1) / 2) * thickness;
}

/**
 * Returns one slice of a head with a nose and with one lesion in the left frontal lobe. The values are between 0 and about 1,000 and
 * contain noise.
 */
export function paintMrSlice(geometry: MrGeometry, weighting: 'T1' | 'T2', index: number): Int16Array {
  const offset = sliceOffset(geometry, index);
  const signal = SIGNAL[weighting];
  return render(geometry, (across, down) => {
    const tissue =
      geometry.plane === 'sagittal' ? tissueAt(offset, across, -down) : tissueAt(across, offset, -down);
    const noise = grain(Math.round(across * 10) + index * 7919, Math.round(down * 10));
    return Math.round(signal[tissue] * (0.95 + 0.1 * noise) + 12 * noise);
  });
}

/** Returns the tissue at a point of the head. x points to the left, y to the back, and z upwards. */
function tissueAt(x: number, y: number, z: number): Tissue {
  if (ball(x, y, z, [30, -82, -18], [13, 12, 12]) || ball(x, y, z, [-30, -82, -18], [13, 12, 12]))
    return 'fluid';
  const shell = Math.hypot(x / 74, y / 96, z / 106);
  if (shell <= 0.93) return shell > 0.85 ? 'bone' : insideSkull(x, y, z, shell);
  if (shell <= 1) return 'fat';
  if (ball(x, y, z, [0, -98, -34], [13, 16, 22])) return 'muscle';
  const neck = Math.hypot(x / 54, (y - 22) / 58);
  if (z >= -60 || neck > 1) return 'air';
  if (neck > 0.9) return 'fat';
  return Math.hypot(x / 10, (y - 30) / 10) <= 1 ? 'white' : 'muscle';
}

function insideSkull(x: number, y: number, z: number, shell: number): Tissue {
  if (shell > 0.82) return 'fluid';
  if (ball(x, y, z, [30, -44, 30], [9, 9, 9])) return 'lesion';
  if (Math.hypot(x / 12, (y - 22) / 12) <= 1 && z < -18) return 'white';
  if (ball(x, y, z, [0, 50, -46], [46, 30, 24])) return Math.sin(z * 0.9 + y * 0.3) > 0 ? 'grey' : 'white';
  if (z < -38 - 0.25 * y) return Math.abs(x) > 26 && y < 30 ? 'grey' : 'muscle';
  if (ball(x, y, z, [12, 4, 14], [6, 34, 12]) || ball(x, y, z, [-12, 4, 14], [6, 34, 12])) return 'fluid';
  if (Math.abs(x) < 16 && arch(y, z)) return 'white';
  if (Math.abs(x) < 1.5 && z > 0) return 'fluid';
  const folds = 0.06 * Math.sin(0.28 * y + 0.1 * x) * Math.cos(0.26 * z - 0.15 * x);
  return shell > 0.72 + folds ? 'grey' : 'white';
}

/** Whether a point is in the corpus callosum. Seen from the side, the corpus callosum is an arch above the ventricles. */
function arch(y: number, z: number): boolean {
  const distance = Math.hypot(y / 42, (z - 12) / 24);
  return z > 8 && distance > 0.8 && distance <= 1;
}

type Triple = readonly [number, number, number];

function ball(x: number, y: number, z: number, centre: Triple, radius: Triple): boolean {
  const [a, b, c] = centre;
  const [p, q, r] = radius;
  return ((x - a) / p) ** 2 + ((y - b) / q) ** 2 + ((z - c) / r) ** 2 <= 1;
}
