import { BitWriter, differenceSize, evenTable, huffmanSegment, segment, word } from './jpeg.writer.ts';
import { bytesOf } from './made.frames.ts';

const DC = evenTable(
  Array.from({ length: 16 }, (_, size) => size),
  5,
);
const AC = evenTable(
  Array.from({ length: 255 }, (_, code) => code),
  9,
);
const BLOCK = 64;

/** The order of the coefficients: the diagonals of the block, up and down in turns (ISO/IEC 10918-1 figure A.6). */
const zigzag = Array.from({ length: BLOCK }, (_, at) => ({ u: at % 8, v: Math.floor(at / 8) })).toSorted(
  (one, other) => {
    const [a, b] = [one.u + one.v, other.u + other.v];
    if (a !== b) return a - b;
    return a % 2 === 0 ? one.u - other.u : other.u - one.u;
  },
);

/** Quantized coefficients of a block in zigzag order. Blocks have few, many or all coefficients. */
function coefficientsOf(block: number): number[] {
  const many = [1, 3, 20, 64, 2][block % 5] ?? 1;
  return Array.from({ length: BLOCK }, (_, at) => {
    if (at === 0) return ((block * 37) % 101) - 50;
    const isLast = at === BLOCK - 1 && block % 5 === 4;
    return at < many || isLast ? ((at * 7 + block * 3) % 9) - 4 : 0;
  });
}

const steps = Array.from({ length: BLOCK }, (_, at) => 16 + at);

const c = (index: number) => (index === 0 ? Math.SQRT1_2 : 1);

/** The samples of a block by the formula of ISO/IEC 10918-1 §A.3.3, shifted by half of 12 bits. */
function samplesOf(block: number): number[] {
  const quantized = coefficientsOf(block);
  return Array.from({ length: BLOCK }, (_, at) => {
    const [x, y] = [at % 8, Math.floor(at / 8)];
    const sum = zigzag.reduce((total, { u, v }, index) => {
      const value = (quantized[index] ?? 0) * (steps[index] ?? 0);
      const [across, down] = [((2 * x + 1) * u * Math.PI) / 16, ((2 * y + 1) * v * Math.PI) / 16];
      return total + c(u) * c(v) * value * Math.cos(across) * Math.cos(down);
    }, 0);
    return Math.max(0, Math.min(4095, Math.round(sum / 4 + 2048)));
  });
}

/** The form of a stream. */
export interface ExtendedForm {
  readonly rows: number;
  readonly columns: number;
  readonly restart?: number;
  readonly wideSteps?: boolean;
  readonly marker?: number;
  readonly precision?: number;
}

/** A stream of made coefficients. */
export function writtenExtended({
  rows,
  columns,
  restart = 0,
  wideSteps = false,
  marker = 0xc1,
  precision = 12,
}: ExtendedForm): Buffer {
  const blocks = Math.ceil(rows / 8) * Math.ceil(columns / 8);
  const bits = new BitWriter();
  let before = 0;
  for (let block = 0; block < blocks; block += 1) {
    if (restart > 0 && block > 0 && block % restart === 0) {
      bits.restart(block / restart - 1);
      before = 0;
    }
    const [level = 0, ...others] = coefficientsOf(block);
    bits.symbol(DC, differenceSize(level - before));
    bits.difference(level - before);
    before = level;
    let zeros = 0;
    const last = others.findLastIndex((value) => value !== 0);
    for (const value of others.slice(0, last + 1)) {
      if (value === 0) zeros += 1;
      else {
        for (; zeros > 15; zeros -= 16) bits.symbol(AC, 0xf0);
        bits.symbol(AC, zeros * 16 + differenceSize(value));
        bits.difference(value);
        zeros = 0;
      }
    }
    if (last < BLOCK - 2) bits.symbol(AC, 0);
  }
  return Buffer.concat([
    Buffer.from('ffd8', 'hex'),
    segment(0xdb, wideSteps ? 0x10 : 0, ...steps.flatMap((step) => (wideSteps ? word(step) : [step]))),
    segment(marker, precision, ...word(rows), ...word(columns), 1, 1, 0x11, 0),
    huffmanSegment(0, DC),
    huffmanSegment(0x10, AC),
    ...(restart > 0 ? [segment(0xdd, ...word(restart))] : []),
    segment(0xda, 1, 1, 0, 0, 63, 0),
    bits.end(),
    Buffer.from('ffd9', 'hex'),
  ]);
}

/** The samples of {@link writtenExtended} by the formula. */
export function expectedExtended({ rows, columns }: ExtendedForm): Uint8Array {
  const across = Math.ceil(columns / 8);
  const blocks = Array.from({ length: across * Math.ceil(rows / 8) }, (_, block) => samplesOf(block));
  const values = Array.from({ length: rows * columns }, (_, at) => {
    const [x, y] = [at % columns, Math.floor(at / columns)];
    return blocks[Math.floor(y / 8) * across + Math.floor(x / 8)]?.[(y % 8) * 8 + (x % 8)] ?? 0;
  });
  return bytesOf(values, 2);
}
