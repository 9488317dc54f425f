import { Injectable } from '@nestjs/common';
import type { FoundInstances } from '../../catalog/lookup.service.js';
import { etagOf } from '../http/entity.tags.js';
import type { CacheableBody } from './cached.answers.js';
import { Metadata } from './metadata.service.js';

/** Part of the entity tag. Increase this number when a new version of the gateway writes other metadata for the same file. */
const METADATA_VERSION = 2;

/** The metadata of more instances is sent while it is read, because the client would wait too long for the first byte. */
export const MAX_CACHED_INSTANCES = 2_000;

/** The entity tag of the metadata of all instances. `form`: the media type, or the form of XML. */
export function etagOfMetadata(found: FoundInstances, form: string): string {
  return etagOf(found, ['metadata', METADATA_VERSION, form], 'weak');
}

/** Describes metadata that can be cached. */
@Injectable()
export class MetadataBodies {
  constructor(private readonly metadata: Metadata) {}

  /** The metadata of all instances as DICOM JSON. `undefined` if there are too many instances for the cache. */
  of(found: FoundInstances, type: string, etag = etagOfMetadata(found, type)): CacheableBody | undefined {
    if (found.instances.length > MAX_CACHED_INSTANCES) return undefined;
    return {
      choices: ['metadata', etag],
      etag,
      sent: { instances: found.instances.length },
      type: () => type,
      isWhole: true,
      isText: true,
      make: (making, _boundary, stop) => this.metadata.json(making, stop),
    };
  }
}
