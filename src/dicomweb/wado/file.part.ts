import type { FoundInstance } from '../../catalog/lookup.service.js';
import type { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { type ByteRange, sliceOf } from '../http/byte.range.js';

/** A part of a file. `total`: the length of the whole file in bytes. */
export interface FilePart extends ArchiveBytes {
  readonly total: number;
}

/**
 * Reads a part of a stored file from the archive. The whole range must be within the file. Throws `NotInArchive`, `NeighbourAway` or
 * `UpstreamFailed`.
 */
export async function filePart(
  bytes: OrthancBytes,
  instance: Pick<FoundInstance, 'orthancId' | 'reader' | 'signal' | 'size'>,
  range: ByteRange,
): Promise<FilePart> {
  const part = await bytes.filePart(instance.orthancId, range, instance);
  if (part.total !== undefined) return { ...part, total: part.total };
  // Orthanc before 1.12.5 does not support ranges and sends the whole file.
  return { ...sliceOf(part, range), total: part.length ?? instance.size ?? range.last + 1 };
}
