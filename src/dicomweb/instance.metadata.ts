import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Departures } from '../catalog/departures.service.js';
import type { FoundInstance } from '../catalog/lookup.service.js';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { Slots } from '../limits/slots.js';
import { type ArchivedFile, OrthancApi } from '../orthanc/orthanc.api.js';
import { OrthancBytes } from '../orthanc/orthanc.bytes.js';
import { NotInArchive } from '../orthanc/orthanc.errors.js';
import type { OrthancId } from '../orthanc/orthanc.id.js';
import { NotVisible, UpstreamFailed } from '../problems/errors.js';
import { dataSetText, type JsonDataSet } from './dicom.json.js';
import { metadataOfFile } from './file.metadata.js';
import { DicomUnreadable } from './header.unreadable.js';
import { RecentTexts } from './recent.texts.js';
import { resourceUrl } from './resource.urls.js';
import { StoredBytes } from './stored.bytes.js';

/** Headers that are read at one time, of all and of one account. */
const HEADERS = 16;
const OF_ONE_ACCOUNT = 8;
/** Bytes of metadata that are kept: of some thousands of instances. */
const KEPT = 32 * 1024 * 1024;
/** Instances that the archive is asked of in one call. */
const IN_ONE_CALL = 500;

const DataSet = z.record(
  z.string(),
  z.object({
    vr: z.string(),
    Value: z.array(z.unknown()).exactOptional(),
    BulkDataURI: z.string().exactOptional(),
    InlineBinary: z.string().exactOptional(),
  }),
);

/** Files by the archive's ids of their instances. */
export type FilesOf = ReadonlyMap<OrthancId, ArchivedFile>;

/** Metadata of single instances, read from their stored files by the archive's own ids (docs/decisions/0012). */
@Injectable()
export class InstanceMetadata {
  private readonly slots = new Slots({ places: HEADERS, perAccount: OF_ONE_ACCOUNT });
  private readonly recent = new RecentTexts(KEPT);

  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly api: OrthancApi,
    private readonly bytes: OrthancBytes,
    private readonly departures: Departures,
  ) {}

  /** Which file each of these instances is now; what is not in it the archive holds no longer. */
  async filesOf(instances: readonly FoundInstance[]): Promise<FilesOf> {
    const files = new Map<OrthancId, ArchivedFile>();
    for (let at = 0; at < instances.length; at += IN_ONE_CALL) {
      const some = instances.slice(at, at + IN_ONE_CALL).map(({ orthancId }) => orthancId);
      for (const [id, file] of await this.api.filesOf(some)) files.set(id, file);
    }
    return files;
  }

  /**
   * The instance's DICOM JSON as UTF-8 text, its binary values as public bulk data addresses, with its RetrieveURL. Throws `NotVisible` when the archive holds
   * it no longer, `UpstreamFailed` when its header cannot be read or names another instance than the catalog does.
   */
  async textOf(
    study: string,
    instance: FoundInstance,
    files: FilesOf,
    signal?: AbortSignal,
  ): Promise<Buffer> {
    const file = files.get(instance.orthancId);
    if (file === undefined) return this.missing(instance);
    const { seriesUid, sopUid } = instance;
    const url = resourceUrl(this.env.PUBLIC_URL, { study, series: seriesUid, instance: sopUid });
    // Other content under the same UIDs is another file.
    const key = `${file.uuid} ${url}`;
    const known = this.recent.get(key);
    if (known !== undefined) return known;
    const dataSet = await this.read(instance, file, url, signal);
    const uid = (tag: string) => dataSet[tag]?.Value?.[0];
    if (uid('0020000D') !== study || uid('0020000E') !== seriesUid || uid('00080018') !== sopUid)
      throw new UpstreamFailed('metadata of another instance');
    const text = Buffer.from(dataSetText({ ...dataSet, '00081190': { vr: 'UR', Value: [url] } }));
    this.recent.set(key, text);
    return text;
  }

  /** The same as a data set. */
  async dataSetOf(
    study: string,
    instance: FoundInstance,
    files: FilesOf,
    signal?: AbortSignal,
  ): Promise<JsonDataSet> {
    const text = await this.textOf(study, instance, files, signal);
    return DataSet.parse(JSON.parse(text.toString()));
  }

  private async read(
    instance: FoundInstance,
    { size }: ArchivedFile,
    url: string,
    signal: AbortSignal | undefined,
  ): Promise<JsonDataSet> {
    const { orthancId, reader } = instance;
    const part = (from: number, length: number) => this.bytes.fileWindow(orthancId, from, length);
    const header = () => metadataOfFile(new StoredBytes(part, size), url);
    try {
      return await this.slots.run(header, signal, reader);
    } catch (error) {
      if (error instanceof DicomUnreadable) throw new UpstreamFailed('reading the metadata of an instance');
      if (error instanceof NotInArchive) return await this.missing(instance);
      throw error;
    }
  }

  private async missing({ orthancId }: FoundInstance): Promise<never> {
    if (await this.departures.recheck(orthancId)) throw new UpstreamFailed('file of an instance');
    throw new NotVisible();
  }
}
