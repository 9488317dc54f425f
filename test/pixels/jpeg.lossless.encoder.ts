import {
  BitWriter,
  differenceSize,
  evenTable,
  huffmanSegment,
  segment,
  unevenTable,
  word,
} from './jpeg.writer.ts';
import { columns, rows } from './made.frames.ts';

const SIZES = Array.from({ length: 17 }, (_, size) => size);
const TABLES = { even: evenTable(SIZES, 5), uneven: unevenTable(SIZES.toReversed()) };

interface Form {
  readonly predictor?: number;
  readonly shift?: number;
  readonly components?: number;
  readonly precision?: number;
  /** Rows between two restart markers. */
  readonly restartRows?: number;
  readonly separateScans?: boolean;
  readonly table?: keyof typeof TABLES;
  readonly marker?: number;
  readonly width?: number;
  readonly height?: number;
}

/** Compresses samples by the formulas of ISO/IEC 10918-1 Annex H. */
export function writtenLossless(values: readonly number[], form: Form = {}): Buffer {
  const { predictor = 1, shift = 0, components = 1, precision = 16, restartRows = 0, marker = 0xc3 } = form;
  const { width = columns, height = rows } = form;
  const table = TABLES[form.table ?? 'even'];
  const all = Array.from({ length: components }, (_, index) => index);
  const at = (row: number, column: number, plane: number) =>
    (values[(row * width + column) * components + plane] ?? 0) >> shift;
  const predicted = (row: number, column: number, plane: number, isFirst: boolean) => {
    if (column === 0) return isFirst ? 2 ** (precision - shift - 1) : at(row - 1, 0, plane);
    const a = at(row, column - 1, plane);
    if (isFirst) return a;
    const [b, c] = [at(row - 1, column, plane), at(row - 1, column - 1, plane)];
    const formulas = [0, a, b, c, a + b - c, a + ((b - c) >> 1), b + ((a - c) >> 1), (a + b) >> 1];
    return formulas[predictor] ?? 0;
  };
  const scan = (planes: readonly number[]) => {
    const bits = new BitWriter();
    for (let row = 0; row < height; row += 1) {
      const isFirst = row === 0 || (restartRows > 0 && row % restartRows === 0);
      if (isFirst && row > 0) bits.restart(row / restartRows - 1);
      for (let column = 0; column < width; column += 1)
        for (const plane of planes) {
          const difference = ((at(row, column, plane) - predicted(row, column, plane, isFirst)) << 16) >> 16;
          bits.symbol(table, differenceSize(difference));
          bits.difference(difference);
        }
    }
    const header = [planes.length, ...planes.flatMap((plane) => [plane + 1, 0]), predictor, 0, shift];
    return Buffer.concat([segment(0xda, ...header), bits.end()]);
  };
  return Buffer.concat([
    Buffer.from('ffd8', 'hex'),
    segment(
      marker,
      precision,
      ...word(height),
      ...word(width),
      components,
      ...all.flatMap((one) => [one + 1, 0x11, 0]),
    ),
    huffmanSegment(0, table),
    ...(restartRows > 0 ? [segment(0xdd, ...word(restartRows * width))] : []),
    ...(form.separateScans === true ? all.map((plane) => scan([plane])) : [scan(all)]),
    Buffer.from('ffd9', 'hex'),
  ]);
}
