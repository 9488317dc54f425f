import { type ColourSpaceName, knownProfile } from './known.profiles.js';
import { knownSpace, type MatrixSpace, matrixSpace } from './matrix.profile.js';

/** How to convert the colours of a frame. `source`: its ICC profile; sRGB if absent. Without `target`, the colours stay as they are. */
export interface ColourConversion {
  readonly source: Uint8Array | undefined;
  readonly target: ColourSpaceName | undefined;
}

/** Number of steps of the table from light to an encoded value. */
const STEPS = 65_535;

/**
 * Converts red, green and blue of 8 bits to another colour space, colorimetrically. Colours outside of the target space are clipped. Throws
 * `PixelsRefused` when the profile cannot be used.
 */
export function convertColours(samples: Uint8Array, { source, target }: ColourConversion): void {
  if (target === undefined || (source === undefined && target === 'srgb')) return;
  const from = source === undefined ? knownSpace('srgb') : matrixSpace(Buffer.from(source));
  const to = knownSpace(target);
  const [m0 = [], m1 = [], m2 = []] = product(inverse(columnsOf(to)), columnsOf(from));
  const encoded = encodedValues(to);
  const [red, green, blue] = from.curves;
  const level = ([x = 0, y = 0, z = 0]: readonly number[], r: number, g: number, b: number) =>
    encoded[Math.round(Math.min(1, Math.max(0, x * r + y * g + z * b)) * STEPS)] ?? 0;
  for (let at = 0; at + 2 < samples.length; at += 3) {
    const r = red?.[samples[at] ?? 0] ?? 0;
    const g = green?.[samples[at + 1] ?? 0] ?? 0;
    const b = blue?.[samples[at + 2] ?? 0] ?? 0;
    samples[at] = level(m0, r, g, b);
    samples[at + 1] = level(m1, r, g, b);
    samples[at + 2] = level(m2, r, g, b);
  }
}

/** The ICC profile of the converted colours. */
export function profileOfPicture({ source, target }: ColourConversion): Buffer {
  return target === undefined && source !== undefined ? Buffer.from(source) : knownProfile(target ?? 'srgb');
}

/** The nearest of 256 levels for each step of light. */
function encodedValues({ curves }: MatrixSpace): Uint8Array {
  const [curve = new Float64Array(256)] = curves;
  const values = new Uint8Array(STEPS + 1);
  let level = 0;
  for (let step = 0; step <= STEPS; step += 1) {
    const light = step / STEPS;
    while (level < 255 && light - (curve[level] ?? 0) > (curve[level + 1] ?? 1) - light) level += 1;
    values[step] = level;
  }
  return values;
}

type Matrix = readonly (readonly number[])[];

/** The matrix whose columns are the colorants. */
function columnsOf({ colorants }: MatrixSpace): Matrix {
  return [0, 1, 2].map((row) => colorants.map((colorant) => colorant[row] ?? 0));
}

function product(left: Matrix, right: Matrix): Matrix {
  return left.map((row) =>
    [0, 1, 2].map((column) =>
      row.reduce((sum, value, index) => sum + value * (right[index]?.[column] ?? 0), 0),
    ),
  );
}

/** The inverse of a matrix of three rows, by cofactors. */
function inverse(matrix: Matrix): Matrix {
  const at = (row: number, column: number) => matrix[row % 3]?.[column % 3] ?? 0;
  const cofactor = (row: number, column: number) =>
    at(row + 1, column + 1) * at(row + 2, column + 2) - at(row + 1, column + 2) * at(row + 2, column + 1);
  const determinant = [0, 1, 2].reduce((sum, column) => sum + at(0, column) * cofactor(0, column), 0);
  return [0, 1, 2].map((row) => [0, 1, 2].map((column) => cofactor(column, row) / determinant));
}
