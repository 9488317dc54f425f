import { PixelsRefused } from '../pixels.refused.js';

/** The size and the samples of a pass. */
interface PassFormat {
  readonly columns: number;
  readonly rows: number;
  readonly channels: number;
  readonly depth: number;
}

/** Reverses the filters of a pass (W3C PNG §9) and unpacks its samples: one byte each, or two bytes for 16 bits. */
export function samplesOfPass(bytes: Uint8Array, { columns, rows, channels, depth }: PassFormat): Uint8Array {
  const line = Math.ceil((columns * channels * depth) / 8);
  const distance = Math.max(1, (channels * depth) / 8);
  const plain = new Uint8Array(rows * line);
  for (let row = 0; row < rows; row += 1)
    unfilter(bytes, row * (line + 1), plain, row * line, line, distance);
  return depth >= 8 ? plain : unpacked(plain, columns * channels, rows, depth);
}

function unfilter(
  from: Uint8Array,
  start: number,
  plain: Uint8Array,
  target: number,
  line: number,
  distance: number,
): void {
  const filter = from[start] ?? 0;
  if (filter > 4) throw new PixelsRefused('its pixels have an unknown filter');
  for (let at = 0; at < line; at += 1) {
    const left = at < distance ? 0 : (plain[target + at - distance] ?? 0);
    const above = target === 0 ? 0 : (plain[target - line + at] ?? 0);
    const corner = at < distance || target === 0 ? 0 : (plain[target - line + at - distance] ?? 0);
    plain[target + at] = (from[start + 1 + at] ?? 0) + predicted(filter, left, above, corner);
  }
}

function predicted(filter: number, left: number, above: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  const estimate = left + above - corner;
  const [toLeft, toAbove] = [Math.abs(estimate - left), Math.abs(estimate - above)];
  const toCorner = Math.abs(estimate - corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

function unpacked(plain: Uint8Array, perLine: number, rows: number, depth: number): Uint8Array {
  const line = Math.ceil((perLine * depth) / 8);
  const mask = (1 << depth) - 1;
  const out = new Uint8Array(perLine * rows);
  for (let row = 0; row < rows; row += 1)
    for (let at = 0; at < perLine; at += 1) {
      const bit = at * depth;
      const byte = plain[row * line + (bit >> 3)] ?? 0;
      out[row * perLine + at] = (byte >> (8 - depth - (bit & 7))) & mask;
    }
  return out;
}
