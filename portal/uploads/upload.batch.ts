import type { UploadFile } from './upload.types.ts';

/** A batch has at most this many files, so that their UIDs fit into one search. */
const MOST_FILES = 100;
/** A batch has at most this many bytes, unless it is a single file. A lost connection costs at most one batch. */
const MOST_BYTES = 32 * 1024 * 1024;

/** Returns the waiting files to send next. Two files with the same UID are never in one batch, because the answer names files by UID. */
export function nextBatch(files: readonly UploadFile[]): readonly UploadFile[] {
  const batch: UploadFile[] = [];
  const uids = new Set<string>();
  let bytes = 0;
  for (const file of files) {
    if (file.state.at !== 'waiting') continue;
    if (file.sopUid !== '' && uids.has(file.sopUid)) continue;
    bytes += file.source.size;
    if (batch.length > 0 && (bytes > MOST_BYTES || batch.length >= MOST_FILES)) break;
    uids.add(file.sopUid);
    batch.push(file);
  }
  return batch;
}
