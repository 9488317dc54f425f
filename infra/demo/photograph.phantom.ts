import { ellipse, grain } from './painting.ts';

/** The size of the photograph. It has 24-bit colour. */
export const PHOTOGRAPH = { rows: 360, columns: 480 } as const;

type Colour = readonly [red: number, green: number, blue: number];

/** Red, green and blue squares from the upper left corner to the right. The squares show whether colours or planes are swapped. */
const PATCHES: readonly Colour[] = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
];
const PATCH = 32;

/** Returns a photograph of a spot on the skin beside a ruler. The bytes are red, green and blue for each pixel. */
export function photograph(): Buffer {
  const { rows, columns } = PHOTOGRAPH;
  const picture = Buffer.alloc(rows * columns * 3);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const colour = colourAt(column, row).map((part) => Math.max(0, Math.min(255, Math.round(part))));
      picture.set(colour, (row * columns + column) * 3);
    }
  }
  return picture;
}

function colourAt(x: number, y: number): Colour {
  const patch = y < PATCH ? PATCHES[Math.floor(x / PATCH)] : undefined;
  if (patch !== undefined) return patch;
  if (y >= 300 && y < 344 && x >= 24 && x < 456) return ruler(x - 24, y - 300);
  const texture = 10 * grain(x >> 1, y >> 1) - 5 + 6 * Math.sin(x / 23 + Math.sin(y / 17));
  const light = 1 - 0.18 * Math.hypot((x - 200) / 480, (y - 150) / 360);
  const skin = [226 * light + texture, 180 * light + texture, 154 * light + texture] as const;
  const angle = Math.atan2(y - 165, x - 250);
  const edge = 1 + 0.16 * Math.sin(3 * angle + 0.6) + 0.08 * Math.sin(7 * angle);
  const spot = Math.sqrt(ellipse(x, y, 250, 165, 62 * edge, 46 * edge));
  if (spot > 1.12) return skin;
  const depth = Math.min(1, (1.12 - spot) / 0.24) * (0.7 + 0.3 * grain(x >> 1, y >> 1));
  const [red, green, blue] = skin;
  return [red - depth * (red - 92), green - depth * (green - 54), blue - depth * (blue - 40)];
}

/**
 * Returns the colour of the ruler at a pixel. One centimetre has 40 pixels. There is a mark for each millimetre, and a longer mark at five
 * and ten millimetres.
 */
function ruler(x: number, y: number): Colour {
  const millimetre = Math.floor(x / 4);
  const length = millimetre % 10 === 0 ? 24 : millimetre % 5 === 0 ? 17 : 10;
  return x % 4 === 0 && y < length ? [20, 20, 20] : [245, 245, 240];
}
