import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { FoundInstance } from '../catalog/lookup.service.js';
import { OrthancBytes } from '../orthanc/orthanc.bytes.js';
import type { ArchiveBytes } from '../orthanc/orthanc.connection.js';
import { UpstreamFailed } from '../problems/errors.js';
import type { JsonDataSet } from './dicom.json.js';
import { metadataOfFile, type VrOf } from './file.metadata.js';
import { DicomUnreadable } from './header.unreadable.js';
import { EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN } from './transfer.syntaxes.js';

/**
 * Metadata by the archive's own id. The archive gives its own by UIDs alone, and none while two patients share them: a contested
 * study is served from its first holder this way (design.md, decision 12).
 */
@Injectable()
export class InstanceMetadata {
  constructor(private readonly bytes: OrthancBytes) {}

  /** The instance's DICOM JSON as text, its binary values as references `/bulk/<path>`; `NotInArchive` when it is gone. */
  async of(instance: FoundInstance): Promise<string> {
    const { orthancId, transferSyntax, size, reader } = instance;
    const vrOf = transferSyntax === IMPLICIT_LITTLE_ENDIAN ? await this.representations(instance) : undefined;
    return JSON.stringify(await headerOf(await this.bytes.instanceFile(orthancId, size, reader), vrOf));
  }

  /** An implicit file does not say them; the archive does when it makes it explicit, of whose values nothing is taken: it invents some. */
  private async representations({ orthancId, reader }: FoundInstance): Promise<VrOf | undefined> {
    try {
      const explicit = await this.bytes.decodedFile(orthancId, EXPLICIT_LITTLE_ENDIAN, reader);
      const found = new Map<string, string>();
      collect(await headerOf(explicit), '', found);
      return (path) => found.get(path);
    } catch (error) {
      // Without them there are more references and fewer values.
      if (error instanceof UpstreamFailed) return undefined;
      throw error;
    }
  }
}

const Items = z.array(
  z.record(z.string(), z.object({ vr: z.string(), Value: z.array(z.unknown()).optional() })),
);
type Attributes = z.infer<typeof Items>[number];

function collect(dataSet: Attributes | JsonDataSet, path: string, into: Map<string, string>): void {
  for (const [tag, { vr, Value }] of Object.entries(dataSet)) {
    into.set(path + tag, vr);
    if (vr !== 'SQ' || Value === undefined) continue;
    Items.parse(Value).forEach((item, at) => collect(item, `${path}${tag}/${at + 1}/`, into));
  }
}

async function headerOf({ stream }: ArchiveBytes, vrOf?: VrOf): Promise<JsonDataSet> {
  try {
    return await metadataOfFile(stream, vrOf);
  } catch (error) {
    if (error instanceof DicomUnreadable) throw new UpstreamFailed('reading the metadata of an instance');
    throw error;
  } finally {
    // All but the header is left where it is.
    stream.on('error', () => undefined).destroy();
  }
}
