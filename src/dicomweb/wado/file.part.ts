import type { FoundInstance } from '../../catalog/lookup.service.js';
import type { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { type ByteRange, cut } from '../http/byte.range.js';

/** Some bytes of a file, and how many it has in all. */
export interface FilePart extends ArchiveBytes {
  readonly total: number;
}

/** Reads a part of a stored file from the archive. Both ends must lie within the file. Throws `NotInArchive`, `NeighbourAway`, `UpstreamFailed`. */
export async function filePart(
  bytes: OrthancBytes,
  instance: Pick<FoundInstance, 'orthancId' | 'reader' | 'signal' | 'size'>,
  range: ByteRange,
): Promise<FilePart> {
  const part = await bytes.filePart(instance.orthancId, range, instance);
  if (part.total !== undefined) return { ...part, total: part.total };
  // An archive that knows no ranges sends the whole file.
  return { ...cut(part, range), total: part.length ?? instance.size ?? range.last + 1 };
}
