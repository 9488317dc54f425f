import { BitWriter, differenceSize, evenTable, huffmanSegment, segment, word } from './jpeg.writer.ts';

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
  /** Horizontal and vertical sampling factors of the components. */
  readonly factors?: readonly (readonly [across: number, down: number])[];
  readonly identifiers?: readonly number[];
  /** Whether each component has a scan of its own. */
  readonly isSeparate?: boolean;
  /** A segment after the start of the image. */
  readonly extra?: Uint8Array;
}

const GREY = [[1, 1]] as const;

/** The coefficients of a block of a component. */
const blockOf = (component: number, column: number, row: number) => component * 50 + row * 13 + column;

/** A stream of made coefficients. */
export function writtenExtended(form: ExtendedForm): Buffer {
  const { rows, columns, restart = 0, wideSteps = false, marker = 0xc1, precision = 12 } = form;
  const { factors = GREY, isSeparate = false, extra = Buffer.alloc(0) } = form;
  const identifiers = form.identifiers ?? factors.map((_, at) => at + 1);
  const all = factors.map((_, at) => at);
  return Buffer.concat([
    Buffer.from('ffd8', 'hex'),
    extra,
    segment(0xdb, wideSteps ? 0x10 : 0, ...steps.flatMap((step) => (wideSteps ? word(step) : [step]))),
    segment(
      marker,
      precision,
      ...word(rows),
      ...word(columns),
      factors.length,
      ...factors.flatMap(([across, down], at) => [identifiers[at] ?? 0, across * 16 + down, 0]),
    ),
    huffmanSegment(0, DC),
    huffmanSegment(0x10, AC),
    ...(restart > 0 ? [segment(0xdd, ...word(restart))] : []),
    ...(isSeparate ? all.map((at) => [at]) : [all]).flatMap((components) => [
      segment(0xda, components.length, ...components.flatMap((at) => [identifiers[at] ?? 0, 0]), 0, 63, 0),
      scanOf(form, components),
    ]),
    Buffer.from('ffd9', 'hex'),
  ]);
}

/** The entropy-coded data of a scan. */
function scanOf({ rows, columns, restart = 0, factors = GREY }: ExtendedForm, components: number[]): Buffer {
  const isInterleaved = components.length > 1;
  const [across, down] = [0, 1].map((at) => Math.max(...factors.map((one) => one[at] ?? 1)));
  const [unitColumns, unitRows] = isInterleaved
    ? [8 * (across ?? 1), 8 * (down ?? 1)]
    : components.flatMap((at) => [
        (8 * (across ?? 1)) / (factors[at]?.[0] ?? 1),
        (8 * (down ?? 1)) / (factors[at]?.[1] ?? 1),
      ]);
  const [width, height] = [Math.ceil(columns / (unitColumns ?? 8)), Math.ceil(rows / (unitRows ?? 8))];
  const bits = new BitWriter();
  const levels = new Map<number, number>();
  for (let unit = 0; unit < width * height; unit += 1) {
    if (restart > 0 && unit > 0 && unit % restart === 0) {
      bits.restart(unit / restart - 1);
      levels.clear();
    }
    for (const component of components) {
      const [h, v] = isInterleaved ? (factors[component] ?? [1, 1]) : [1, 1];
      for (let at = 0; at < h * v; at += 1) {
        const column = (unit % width) * h + (at % h);
        const row = Math.floor(unit / width) * v + Math.floor(at / h);
        const coefficients = coefficientsOf(blockOf(component, column, row));
        writeBlock(bits, coefficients, levels.get(component) ?? 0);
        levels.set(component, coefficients[0] ?? 0);
      }
    }
  }
  return bits.end();
}

/** Writes a block. `before`: the DC coefficient of the block before. */
function writeBlock(bits: BitWriter, [level = 0, ...others]: number[], before: number): void {
  bits.symbol(DC, differenceSize(level - before));
  bits.difference(level - before);
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

/** The samples of {@link writtenExtended} by the formula, pixel by pixel. Components of fewer samples are interpolated linearly. */
export function expectedExtended({ rows, columns, factors = GREY }: ExtendedForm): number[] {
  const most = [0, 1].map((at) => Math.max(...factors.map((one) => one[at] ?? 1)));
  const blocks = new Map<number, number[]>();
  const sampleOf = (component: number, x: number, y: number): number => {
    const number = blockOf(component, Math.floor(x / 8), Math.floor(y / 8));
    const block = blocks.get(number) ?? samplesOf(number);
    blocks.set(number, block);
    return block[(y % 8) * 8 + (x % 8)] ?? 0;
  };
  return Array.from({ length: rows * columns }, (_, at) => {
    const [x, y] = [at % columns, Math.floor(at / columns)];
    return factors.map(([across, down], component) => {
      const [sx, sy] = [across / (most[0] ?? 1), down / (most[1] ?? 1)];
      const [width, height] = [Math.ceil(columns * sx), Math.ceil(rows * sy)];
      const [px, py] = [(x + 0.5) * sx - 0.5, (y + 0.5) * sy - 0.5];
      // The weight of each sample falls with its distance. Outside of the component, its last sample counts.
      let sum = 0;
      for (const cx of [Math.floor(px), Math.floor(px) + 1])
        for (const cy of [Math.floor(py), Math.floor(py) + 1]) {
          const weight = (1 - Math.abs(px - cx)) * (1 - Math.abs(py - cy));
          const [ix, iy] = [Math.max(0, Math.min(cx, width - 1)), Math.max(0, Math.min(cy, height - 1))];
          if (weight > 0) sum += weight * sampleOf(component, ix, iy);
        }
      return Math.round(sum);
    });
  }).flat();
}

/** The colours of Y, CB and CR of 12 bits (PS3.3 §C.7.6.3.1.2). */
export function rgbOf(values: readonly number[]): number[] {
  return values.flatMap((y, at) => {
    if (at % 3 !== 0) return [];
    const [cb, cr] = [(values[at + 1] ?? 0) - 2048, (values[at + 2] ?? 0) - 2048];
    const rgb = [y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb];
    return rgb.map((value) => Math.max(0, Math.min(4095, value)));
  });
}
