import { z } from 'zod';
import { type CsvShape, explainShape } from '../../csv/csv.inspection.js';
import type { CsvHeader } from '../../csv/csv.header.js';

/** How a file was read, kept with its import: what was found and why, and where the mapping's columns stand. */
const ImportSource = z.looseObject({
  delimiter: z.string(),
  header: z.array(z.string()),
  places: z.record(z.string(), z.int().min(0)),
  report: z.boolean(),
});
export type ImportSource = z.output<typeof ImportSource>;

/** The shape of a file as it is kept. */
export function sourceOf(shape: CsvShape): ImportSource {
  const { names, places, report } = shape.header;
  return { ...explainShape(shape), header: [...names], places: Object.fromEntries(places), report };
}

/** What was kept, read again; an import that was not inspected has none. */
export function readSource(kept: unknown): ImportSource {
  return ImportSource.parse(kept);
}

/** The header as `cellsByColumn` takes it. */
export function headerOf({ header, places, report }: ImportSource): CsvHeader {
  return { names: header, places: new Map(Object.entries(places)), ignored: [], report };
}
