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

/** What is wanted of the archive beside the catalog's attributes: some by tag, or all that the level has. */
export interface Wanted {
  readonly all: boolean;
  readonly tags: ReadonlySet<string>;
}

/** Characters of JSON that one page may bring beside the catalog's: all of it is held until it is sent. */
const PAGE_AT_MOST = 16 * 1024 * 1024;
/** Instances of one page that are read at one time. */
const AT_ONCE = 8;

/** Attributes that the catalog does not hold, asked of the archive for one page of a search (design.md, decision 2). */
@Injectable()
export class Includefield {
  constructor(
    private readonly examples: RepresentativeInstances,
    private readonly metadata: InstanceMetadata,
  ) {}

  /**
   * By the UIDs of the page; a study's or series' are those of its first instance. What has just left the archive has none. Nothing
   * more is read once `signal` aborts. `BadRequest` for a page that would be too large to hold.
   */
  async of(
    policy: Policy,
    level: Level,
    uids: readonly string[],
    wanted: Wanted,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, JsonDataSet>> {
    const examples = await this.examples.of(policy, level, uids);
    const found = new Map<string, JsonDataSet>();
    const files = await this.metadata.filesOf([...examples.values()].map(({ instance }) => instance));
    const failed = new AbortController();
    const any = AbortSignal.any([signal, failed.signal]);
    let size = 0;
    const left = examples.entries();
    const readOnes = async () => {
      for (const [uid, example] of left) {
        any.throwIfAborted();
        const dataSet = chosen(await this.read(example, files, any), level, wanted);
        size += JSON.stringify(dataSet).length;
        if (size > PAGE_AT_MOST)
          throw new BadRequest(
            'too-many-results',
            'These attributes of so many are too much at once: ask with a smaller limit.',
          );
        found.set(uid, dataSet);
      }
    };
    // When one fails the others have no reader: those that wait leave the line.
    await Promise.all(Array.from({ length: AT_ONCE }, readOnes)).catch((error: unknown) => {
      failed.abort(error);
      throw error;
    });
    return found;
  }

  private async read(
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

/** What is wanted of a data set; bulk data is not of a search's answer. */
function chosen(dataSet: JsonDataSet, level: Level, { all, tags }: Wanted): JsonDataSet {
  const entries = Object.entries(dataSet).filter(
    ([tag, { BulkDataURI }]) =>
      BulkDataURI === undefined && (tags.has(tag) || (all && isAttributeOf(level, tag))),
  );
  return Object.fromEntries(entries);
}
