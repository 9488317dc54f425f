import { ellipse, grain } from './painting.ts';

/** The ultrasound cine shows a heart through the chest wall. The loop is one heartbeat. */
export const CINE = {
  frames: 30,
  rows: 240,
  columns: 320,
  frameTime: 33.3,
  centimetresPerPixel: 0.06,
} as const;

/** The sector of the image, in pixels. Its apex is in the middle of the image's width. */
export const SECTOR = { top: 14, depth: 212, halfAngle: 0.72 } as const;

/** One pixel of the sector: its index, its position below the apex, and its speckle. */
interface Seen {
  at: number;
  across: number;
  down: number;
  speckle: number;
}

/** Returns all frames in order, in 8-bit grey. A mark on the lower edge moves from left to right once in each loop. */
export function cineFrames(): Buffer {
  const { frames, rows, columns } = CINE;
  const seen = sector();
  const cine = Buffer.alloc(frames * rows * columns);
  for (let frame = 0; frame < frames; frame += 1) {
    const start = frame * rows * columns;
    const beat = (1 - Math.cos((2 * Math.PI * frame) / frames)) / 2;
    for (const { at, across, down, speckle } of seen)
      cine[start + at] = Math.min(255, echo(across, down, beat) * (0.35 + 1.1 * speckle));
    mark(cine, start, frame);
  }
  return cine;
}

function sector(): Seen[] {
  const { rows, columns } = CINE;
  const seen: Seen[] = [];
  for (let row = SECTOR.top; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const across = column - (columns - 1) / 2;
      const down = row - SECTOR.top;
      const radius = Math.hypot(across, down);
      const angle = Math.atan2(across, down);
      if (radius > SECTOR.depth || Math.abs(angle) > SECTOR.halfAngle) continue;
      // The dots of speckle are wider than high. The width of a dot grows with its distance from the apex. The speckle is therefore
      // computed from the angle and the radius.
      const speckle = grain(Math.round(angle * 70), Math.round(radius / 1.7));
      seen.push({ at: row * columns + column, across, down, speckle });
    }
  }
  return seen;
}

/** Returns the echo at a point. `beat` is 0 when the chambers are widest and 1 when they are narrowest. */
function echo(across: number, down: number, beat: number): number {
  if (down < 12) return 170;
  const left = ellipse(across, down, 30, 92, 34 - 11 * beat, 52 - 9 * beat);
  if (left <= 1) return valve(across, down, beat) ? 220 : 8;
  if (left <= 1.7 + 0.5 * beat) return 130;
  const right = ellipse(across, down, -36, 92, 24 - 7 * beat, 44 - 6 * beat);
  if (right <= 1) return 8;
  if (right <= 1.4) return 110;
  if (ellipse(across, down, 30, 172, 32 + 4 * beat, 24 + 4 * beat) <= 1) return 10;
  if (ellipse(across, down, -36, 168, 26 + 3 * beat, 22 + 3 * beat) <= 1) return 10;
  return 62 * (1 - down / (2.2 * SECTOR.depth));
}

/** Whether a point is in one of two leaflets, which meet when the chamber contracts. */
function valve(across: number, down: number, beat: number): boolean {
  const gap = 14 * (1 - beat);
  return down > 122 && Math.abs(Math.abs(across - 30) - gap) < 2;
}

function mark(cine: Buffer, start: number, frame: number): void {
  const { frames, rows, columns } = CINE;
  const left = Math.floor((frame * columns) / frames);
  for (let row = rows - 6; row < rows; row += 1)
    cine.fill(255, start + row * columns + left, start + row * columns + left + 8);
}
