import { z } from 'zod';
import type { CsvRow } from '../../csv/csv.reader.js';

const Content = z.array(z.tuple([z.int(), z.int(), z.array(z.string())]));

/** What a chunk's rows are sealed for. */
export function chunkPurpose(importId: string): string {
  return `import rows ${importId}`;
}

/** How the rows of a chunk are kept before they are sealed. */
export function packRows(rows: readonly CsvRow[]): Buffer {
  return Buffer.from(JSON.stringify(rows.map(({ row, line, cells }) => [row, line, cells])));
}

/** The rows of an opened chunk; what was wrong with them stands in their issues. */
export function unpackRows(content: Buffer): CsvRow[] {
  return Content.parse(JSON.parse(content.toString())).map(([row, line, cells]) => ({ row, line, cells }));
}
