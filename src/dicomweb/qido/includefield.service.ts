import { Injectable } from '@nestjs/common';
import type { Policy } from '../../authz/policy.js';
import {
  type RepresentativeInstance,
  RepresentativeInstances,
} from '../../catalog/representative.instances.js';
import type { Level } from '../../catalog/search.attributes.js';
import { BadRequest, NotVisible } from '../../problems/errors.js';
import { isAttributeOf } from './attribute.levels.js';
import type { JsonDataSet } from '../../dicom/json/dicom.json.js';
import { type FilesOf, InstanceMetadata } from '../wado/instance.metadata.js';

/** The attributes to read from the archive. `all`: all attributes of the level. `tags`: single attributes. */
export interface IncludedAttributes {
  readonly all: boolean;
  readonly tags: ReadonlySet<string>;
}

/** Largest number of JSON characters that one page may read from the archive. The page is in memory until it has been sent. */
const MAX_PAGE_CHARACTERS = 16 * 1024 * 1024;
/** Number of instances of one page that are read at the same time. */
const CONCURRENCY = 8;
const TOO_MANY_RESULTS = 'Too many results for this includefield. Use a smaller limit.';

/** Reads attributes from the archive that are not in the catalog, for one page of search results (PS3.18 §8.3.4.3). */
@Injectable()
export class Includefield {
  constructor(
    private readonly representatives: RepresentativeInstances,
    private readonly metadata: InstanceMetadata,
  ) {}

  /**
   * Returns the attributes for each UID of the page. A study or series has the attributes of its first instance. An item that was just
   * deleted from the archive has no attributes. Reading stops when `signal` aborts. Throws `BadRequest` when the page would be too large
   * for memory.
   */
  async read(
    policy: Policy,
    level: Level,
    uids: readonly string[],
    attributes: IncludedAttributes,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, JsonDataSet>> {
    const representatives = await this.representatives.of(policy, level, uids);
    const found = new Map<string, JsonDataSet>();
    const files = await this.metadata.filesOf([...representatives.values()].map(({ instance }) => instance));
    const failed = new AbortController();
    const any = AbortSignal.any([signal, failed.signal]);
    let size = 0;
    // All workers share this iterator, so that each item is read once.
    const remaining = representatives.entries();
    const readRemaining = async () => {
      for (const [uid, representative] of remaining) {
        any.throwIfAborted();
        const dataSet = selected(await this.dataSetOf(representative, files, any), level, attributes);
        size += JSON.stringify(dataSet).length;
        if (size > MAX_PAGE_CHARACTERS) throw new BadRequest('too-many-results', TOO_MANY_RESULTS);
        found.set(uid, dataSet);
      }
    };
    // When one read fails, the other results are not needed. Reads that still wait for a slot are cancelled.
    await Promise.all(Array.from({ length: CONCURRENCY }, readRemaining)).catch((error: unknown) => {
      failed.abort(error);
      throw error;
    });
    return found;
  }

  private async dataSetOf(
    { studyUid, instance }: RepresentativeInstance,
    files: FilesOf,
    signal: AbortSignal,
  ): Promise<JsonDataSet> {
    try {
      return await this.metadata.dataSetOf(studyUid, instance, files, signal);
    } catch (error) {
      if (error instanceof NotVisible) return {};
      throw error;
    }
  }
}

/** The attributes of a data set that `includefield` selects. Bulk data is left out of search responses. */
function selected(dataSet: JsonDataSet, level: Level, { all, tags }: IncludedAttributes): JsonDataSet {
  const entries = Object.entries(dataSet).filter(
    ([tag, { BulkDataURI }]) =>
      BulkDataURI === undefined && (tags.has(tag) || (all && isAttributeOf(level, tag))),
  );
  return Object.fromEntries(entries);
}
