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

/** The attributes to read from the archive: some by tag, or all attributes of the level. */
export interface IncludedAttributes {
  readonly all: boolean;
  readonly tags: ReadonlySet<string>;
}

/** The most characters of JSON that one page may read from the archive. The page is held in memory until it is sent. */
const MAX_PAGE_CHARACTERS = 16 * 1024 * 1024;
/** Instances of one page that are read at the same time. */
const CONCURRENCY = 8;
const TOO_MANY_RESULTS = 'Too many results for this includefield. Use a smaller limit.';

/** Reads attributes that the catalog does not keep from the archive, for one page of a search (PS3.18 §8.3.4.3). */
@Injectable()
export class Includefield {
  constructor(
    private readonly representatives: RepresentativeInstances,
    private readonly metadata: InstanceMetadata,
  ) {}

  /**
   * The attributes by the UIDs of the page. A study or series has those of its first instance. An item that was just deleted from the
   * archive has none. Reading stops when `signal` aborts. Throws `BadRequest` when the page would be too large for memory.
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
    // One iterator that all workers share.
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
    // When one read fails, no one needs the others: those that wait for a slot stop waiting.
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

/** The included attributes of a data set. A search response has no bulk data. */
function selected(dataSet: JsonDataSet, level: Level, { all, tags }: IncludedAttributes): JsonDataSet {
  const entries = Object.entries(dataSet).filter(
    ([tag, { BulkDataURI }]) =>
      BulkDataURI === undefined && (tags.has(tag) || (all && isAttributeOf(level, tag))),
  );
  return Object.fromEntries(entries);
}
