import type { Readable } from 'node:stream';
import { DICTIONARY_NAMES } from '../mapping/recognition/header.dictionary.js';
import { type ListProfile, ListProfiler } from '../mapping/recognition/list.profiler.js';
import { inspectTable, type TableShape } from './csv.inspection.js';
import { readRows, type SkippedRows } from './csv.reader.js';
import { plainBytes, probeFile } from './plain.file.js';

/** A list that was read without a mapping. */
export interface ProfiledList {
  readonly shape: TableShape;
  readonly profile: ListProfile;
  readonly skipped: SkippedRows;
}

/**
 * Reads a whole list without a mapping, to find out what its columns mean. Rows that cannot be read are left out. Each call of `open` opens
 * the file from its start. `encoding` is the requested encoding. Its memory use is constant. Throws `FileRefused`.
 */
export async function profileList(
  open: () => Readable,
  { encoding }: { readonly encoding?: string | undefined } = {},
): Promise<ProfiledList> {
  const shape = inspectTable(await probeFile(open), DICTIONARY_NAMES, { encoding });
  const profiler = new ListProfiler(shape.header.names);
  const skipped: SkippedRows = { titles: [], footers: [] };
  for await (const batch of readRows(plainBytes(open), shape, skipped))
    for (const { cells, fault } of batch) if (fault === undefined) profiler.add(cells);
  return { shape, profile: profiler.profile(), skipped };
}
