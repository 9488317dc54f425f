import { z } from 'zod';
import { type CsvShape, explainShape } from '../../csv/csv.inspection.js';
import { type FileFinding, fileFindings } from '../../csv/file.findings.js';
import type { SkippedRows } from '../../csv/csv.reader.js';
import type { CsvHeader } from '../../csv/csv.header.js';

/** The stored description of how a file was read: the encoding and the delimiter with their reasons, and the positions of the columns. */
const ImportSource = z.looseObject({
  delimiter: z.string(),
  header: z.array(z.string()),
  places: z.record(z.string(), z.int().min(0)),
  report: z.boolean(),
});
export type ImportSource = z.output<typeof ImportSource>;

/** Converts the shape of a file to the form that is stored with the import. */
export function sourceOf(shape: CsvShape, { titles, footers }: SkippedRows): ImportSource {
  const { names, places, report } = shape.header;
  const rows = { title_rows: titles, footer_rows: footers };
  return { ...explainShape(shape), ...rows, header: [...names], places: Object.fromEntries(places), report };
}

/** Parses the stored form of {@link sourceOf}. Throws for an import that was not inspected. */
export function readSource(stored: unknown): ImportSource {
  return ImportSource.parse(stored);
}

const Findable = z.looseObject({
  encoding_reason: z.string(),
  ignored_columns: z.array(z.string()),
  sheets: z.int().optional(),
  title_rows: z.array(z.int()).optional(),
  footer_rows: z.array(z.int()).optional(),
});

/** The findings about a file, from the stored form of {@link sourceOf}. The result is empty for an import that was not inspected. */
export function readFindings(stored: unknown): FileFinding[] {
  const source = Findable.safeParse(stored).data;
  return source === undefined ? [] : fileFindings(source);
}

/** Converts the stored form to the header that `cellsByColumn` needs. */
export function headerOf({ header, places, report }: ImportSource): CsvHeader {
  return { names: header, places: new Map(Object.entries(places)), ignored: [], report };
}
