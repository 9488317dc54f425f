import type { Readable } from 'node:stream';
import { DICTIONARY_NAMES } from '../mapping/recognition/header.dictionary.js';
import { type ListProfile, ListProfiler } from '../mapping/recognition/list.profiler.js';
import { isAddedColumn } from './csv.report.js';
import { withoutFormulaEscape } from './csv.writer.js';
import type { KnownNames } from './header.finder.js';
import { inspectTable, type TableShape } from './csv.inspection.js';
import { readRows, type SkippedRows } from './csv.reader.js';
import { plainBytes, probeFile } from './plain.file.js';

/** A list that was read without a mapping. `rows` also counts rows that cannot be read. `isCut`: the list has more rows. */
export interface ProfiledList {
  readonly shape: TableShape;
  readonly profile: ListProfile;
  readonly skipped: SkippedRows;
  readonly rows: number;
  readonly isCut: boolean;
}

/** What is known before a list is read: the requested encoding and sheet, and column names. The default names are those of the dictionary. */
export interface ProfileOptions {
  readonly encoding?: string | undefined;
  readonly sheet?: string | undefined;
  readonly known?: KnownNames;
}

/**
 * Reads a whole list without a mapping, to find out what its columns mean. Rows that cannot be read are left out of the profile. Each call
 * of `open` opens the file from its start. Its memory use is constant. Throws `FileRefused`.
 */
export const profileList = async (
  open: () => Readable,
  options: ProfileOptions = {},
): Promise<ProfiledList> => profileRows(open, await readTableShape(open, options));

/** Decides how a list must be read without a mapping. Throws `FileRefused`. */
export const readTableShape = async (
  open: () => Readable,
  { encoding, sheet, known = DICTIONARY_NAMES }: ProfileOptions = {},
): Promise<TableShape> => inspectTable(await probeFile(open, sheet), known, { encoding });

/** Reads the rows of a list whose shape is known, at most `most`. The columns of an uploaded `errors.csv` are left out. */
export async function profileRows(
  open: () => Readable,
  shape: TableShape,
  { signal, most = Infinity }: { readonly signal?: AbortSignal; readonly most?: number } = {},
): Promise<ProfiledList> {
  const { names } = shape.header;
  const places = names.flatMap((name, at) => (isAddedColumn(name) ? [] : [at]));
  const isReport = places.length < names.length;
  const profiler = new ListProfiler(places.map((at) => names[at] ?? ''));
  const skipped: SkippedRows = { titles: [], footers: [] };
  let rows = 0;
  let isCut = false;
  for await (const batch of readRows(plainBytes(open, shape), shape, skipped)) {
    signal?.throwIfAborted();
    const read = batch.slice(0, most - rows);
    rows += read.length;
    for (const { cells, fault } of read)
      if (fault === undefined)
        profiler.add(isReport ? places.map((at) => withoutFormulaEscape(cells[at] ?? '')) : cells);
    isCut = read.length < batch.length;
    if (isCut) break;
  }
  return { shape, profile: profiler.profile(), skipped, rows, isCut };
}
