import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Policy } from '../authz/policy.js';
import { type Example, Examples } from '../catalog/examples.service.js';
import type { FoundInstance } from '../catalog/lookup.service.js';
import type { Level } from '../catalog/search.attributes.js';
import { Slots } from '../limits/slots.js';
import { BadRequest, NotVisible } from '../problems/errors.js';
import { isAttributeOf } from './attribute.levels.js';
import type { JsonDataSet } from './dicom.json.js';
import { objectsOf } from './json.array.js';
import { Metadata } from './metadata.service.js';

/** What is wanted of the archive beside the catalog's attributes: some by tag, or all that the level has. */
export interface Wanted {
  readonly all: boolean;
  readonly tags: ReadonlySet<string>;
}

/** Characters of JSON that one page may bring beside the catalog's: all of it is held until it is sent. */
const PAGE_AT_MOST = 16 * 1024 * 1024;
/** Readings of metadata at one time, of all and of one account. */
const AT_ONCE = 8;
const OF_ONE_ACCOUNT = 4;

const DataSet = z.record(
  z.string(),
  z.object({
    vr: z.string(),
    Value: z.array(z.unknown()).exactOptional(),
    BulkDataURI: z.string().exactOptional(),
    InlineBinary: z.string().exactOptional(),
  }),
);
const Identified = z.looseObject({ '00080018': z.object({ Value: z.tuple([z.string()]) }) });

/** Attributes that the catalog does not hold, asked of the archive for one page of a search (design.md, decision 2). */
@Injectable()
export class FurtherAttributes {
  private readonly slots = new Slots({ places: AT_ONCE, perAccount: OF_ONE_ACCOUNT });

  constructor(
    private readonly examples: Examples,
    private readonly metadata: Metadata,
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
    const bySeries = Map.groupBy(examples.values(), ({ instance }) => instance.seriesUid);
    const found = new Map<string, JsonDataSet>();
    const page = { size: 0 };
    const failed = new AbortController();
    const any = AbortSignal.any([signal, failed.signal]);
    const read = (some: readonly Example[]) =>
      this.slots.run(() => this.read(some, level, wanted, found, page), any, policy.accountId);
    // When one fails the others have no reader: those that wait leave the line.
    await Promise.all([...bySeries.values()].map(read)).catch((error: unknown) => {
      failed.abort(error);
      throw error;
    });
    return new Map(
      [...examples].flatMap(([uid, { instance }]) => {
        const dataSet = found.get(instance.sopUid);
        return dataSet === undefined ? [] : [[uid, dataSet] as const];
      }),
    );
  }

  /** Reads the examples of one series into `found`. */
  private async read(
    some: readonly Example[],
    level: Level,
    wanted: Wanted,
    found: Map<string, JsonDataSet>,
    page: { size: number },
  ): Promise<void> {
    const [one, ...rest] = some;
    if (one === undefined) return;
    const { instance, ...first } = one;
    try {
      const instances: [FoundInstance, ...FoundInstance[]] = [
        instance,
        ...rest.map((other) => other.instance),
      ];
      const text = await this.metadata.of({
        ...first,
        instances,
        // The row of the search's answer covers it.
        offered: () => undefined,
      });
      for await (const one of objectsOf(text)) {
        const parsed: unknown = JSON.parse(one);
        const [sopUid] = Identified.parse(parsed)['00080018'].Value;
        const dataSet = chosen(DataSet.parse(parsed), level, wanted);
        page.size += JSON.stringify(dataSet).length;
        if (page.size > PAGE_AT_MOST)
          throw new BadRequest('These attributes of so many are too much at once: ask with a smaller limit.');
        found.set(sopUid, dataSet);
      }
    } catch (error) {
      if (!(error instanceof NotVisible)) throw error;
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
