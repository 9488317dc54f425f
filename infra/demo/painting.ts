/** The size of an image. The centres of adjacent pixels are `spacing` millimetres apart. */
export interface Raster {
  rows: number;
  columns: number;
  spacing: number;
}

/** Returns a number below 1 inside the ellipse, 1 on its border, and a number above 1 outside. */
export function ellipse(
  x: number,
  y: number,
  centreX: number,
  centreY: number,
  radiusX: number,
  radiusY: number,
): number {
  return ((x - centreX) / radiusX) ** 2 + ((y - centreY) / radiusY) ** 2;
}

/**
 * Computes each pixel with `paint`. The arguments of `paint` are the distances from the centre in millimetres: `across` to the right,
 * `down` downwards.
 */
export function render(raster: Raster, paint: (across: number, down: number) => number): Int16Array {
  const { rows, columns, spacing } = raster;
  const slice = new Int16Array(rows * columns);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const across = (column - (columns - 1) / 2) * spacing;
      const down = (row - (rows - 1) / 2) * spacing;
      slice[row * columns + column] = paint(across, down);
    }
  }
  return slice;
}

/** Returns a pseudo-random number between 0 and 1. The same two integers always give the same number. */
export function grain(a: number, b: number): number {
  let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 13), 0x297a2d39);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0xffffffff;
}
