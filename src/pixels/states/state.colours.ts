import type { SelectedValues } from '../../dicom/selected.values.js';

/** A colour of sRGB with 8 bits for red, green and blue. */
export type Rgb = readonly [red: number, green: number, blue: number];

export const WHITE_RGB: Rgb = [255, 255, 255];
const BLACK_RGB: Rgb = [0, 0, 0];

/** The colour in an element with a CIELab value (PS3.3 §C.10.7.1.1), else the grey in an element with a P-Value of 16 bits. */
export function colourIn(values: SelectedValues, lab: number, grey: number): Rgb | undefined {
  const [l, a, b] = values.shorts(lab);
  if (l !== undefined && a !== undefined && b !== undefined) return fromLab(l, a, b);
  const value = values.short(grey);
  if (value === undefined) return undefined;
  const sample = Math.round(value / 257);
  return [sample, sample, sample];
}

/** The colour of shutters: black, unless the state names another one. */
export function shutterColourIn(values: SelectedValues): Rgb {
  return colourIn(values, 0x00181624, 0x00181622) ?? BLACK_RGB;
}

/** Whether a colour is grey. */
export function isGrey([red, green, blue]: Rgb): boolean {
  return red === green && green === blue;
}

/** XYZ with the white point D50 to linear sRGB, row by row (Bradford adaptation). */
const XYZ_TO_RGB = [
  [3.1338561, -1.6168667, -0.4906146],
  [-0.9787684, 1.9161415, 0.033454],
  [0.0719453, -0.2289914, 1.4052427],
] as const;
const WHITE_XYZ = [0.9642, 1, 0.8249] as const;

/** Converts a CIELab value, 16 bits each: L from 0 to 100, a and b from -128 to 127. */
function fromLab(l: number, a: number, b: number): Rgb {
  const y = ((l / 65_535) * 100 + 16) / 116;
  const x = y + ((a / 65_535) * 255 - 128) / 500;
  const z = y - ((b / 65_535) * 255 - 128) / 200;
  const xyz = [x, y, z].map((value, at) => cubed(value) * (WHITE_XYZ[at] ?? 1));
  const [red = 0, green = 0, blue = 0] = XYZ_TO_RGB.map((row) =>
    encoded(row.reduce((sum, factor, at) => sum + factor * (xyz[at] ?? 0), 0)),
  );
  return [red, green, blue];
}

/** The inverse of the curve of CIELab. */
function cubed(value: number): number {
  return value > 6 / 29 ? value ** 3 : 3 * (6 / 29) ** 2 * (value - 4 / 29);
}

/** A linear value with the curve of sRGB, with 8 bits. */
function encoded(linear: number): number {
  const value = Math.min(1, Math.max(0, linear));
  return Math.round(255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055));
}
