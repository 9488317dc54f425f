import { Inject, Injectable } from '@nestjs/common';
import { DeletionSync } from '../../sync/deletion.sync.service.js';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { Slots } from '../../limits/slots.js';
import { type ArchivedFile, OrthancApi } from '../../orthanc/orthanc.api.js';
import { type InstanceUids, OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import { NotInArchive } from '../../orthanc/orthanc.errors.js';
import type { OrthancId } from '../../orthanc/orthanc.id.js';
import { wholeText } from '../../orthanc/orthanc.transport.js';
import { NotVisible, UpstreamFailed } from '../../problems/errors.js';
import { noteHandled } from '../../problems/handled.errors.js';
import { archiveDataSet, DataSet } from './archive.metadata.js';
import type { ByteRange } from '../http/byte.range.js';
import { LONGEST_HEADER } from '../../dicom/data.set.bytes.js';
import { dataSetText, type JsonDataSet } from '../../dicom/json/dicom.json.js';
import { metadataOfFile } from '../../dicom/json/file.metadata.js';
import { filePart } from './file.part.js';
import { DicomUnreadable } from '../../dicom/dicom.unreadable.js';
import { RecentTexts } from './recent.texts.js';
import { resourceUrl } from '../http/resource.urls.js';
import { FIRST_WINDOW, StoredBytes } from './stored.bytes.js';

/** Headers that are read at one time, of all and of one account. */
const HEADERS = 16;
const OF_ONE_ACCOUNT = 8;
/** Bytes of metadata that are kept: of some thousands of instances. */
const KEPT = 32 * 1024 * 1024;
/** Instances that the archive is asked of in one call. */
const IN_ONE_CALL = 500;
const SERIES_REMEMBERED = 10_000;
const METADATA = 'metadata of an instance';

/** An instance by its UIDs, and its public address. */
interface Named extends InstanceUids {
  readonly url: string;
}

/** Files by the archive's ids of their instances. */
export type FilesOf = ReadonlyMap<OrthancId, ArchivedFile>;

/** Metadata of single instances, read from their stored files by the archive's own ids (docs/decisions/0014). */
@Injectable()
export class InstanceMetadata {
  private readonly slots = new Slots({ places: HEADERS, perAccount: OF_ONE_ACCOUNT });
  private readonly recent = new RecentTexts(KEPT);
  /** How long a header of a series was: others of it are about as long, and come in one call. */
  private readonly beginnings = new Map<string, number>();

  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly api: OrthancApi,
    private readonly bytes: OrthancBytes,
    private readonly departures: DeletionSync,
  ) {}

  /** Which file each of these instances is now; what is not in it the archive holds no longer. */
  async filesOf(instances: readonly FoundInstance[]): Promise<FilesOf> {
    const files = new Map<OrthancId, ArchivedFile>();
    for (let at = 0; at < instances.length; at += IN_ONE_CALL) {
      const some = instances.slice(at, at + IN_ONE_CALL).map(({ orthancId }) => orthancId);
      for (const [id, file] of await this.api.filesOf(some, false)) files.set(id, file);
    }
    return files;
  }

  /**
   * The instance's DICOM JSON as UTF-8 text, its binary values as public bulk data addresses, with its RetrieveURL. Throws `NotVisible` when the archive holds
   * it no longer, `UpstreamFailed` when neither the gateway nor the archive can read its header, or it names another instance than the catalog does.
   */
  async textOf(
    study: string,
    instance: FoundInstance,
    files: FilesOf,
    signal?: AbortSignal,
  ): Promise<Buffer> {
    const file = files.get(instance.orthancId);
    if (file === undefined) return this.missing(instance);
    const uids = { study, series: instance.seriesUid, instance: instance.sopUid };
    const url = resourceUrl(this.env.PUBLIC_URL, uids);
    // Other content under the same UIDs is another file.
    const key = `${file.uuid} ${url}`;
    const known = this.recent.get(key);
    if (known !== undefined) return known;
    const dataSet = await this.read(instance, file, { ...uids, url }, signal ?? instance.signal);
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

  /** What the file says; where that cannot be read, what the archive reads of it, whose reader puts up with more. */
  private async read(
    instance: FoundInstance,
    { size }: ArchivedFile,
    named: Named,
    signal: AbortSignal | undefined,
  ): Promise<JsonDataSet> {
    const ask = (range: ByteRange) => filePart(this.bytes, instance, range);
    const header = async () => {
      try {
        const source = new StoredBytes(ask, size, this.beginnings.get(named.series));
        const dataSet = await metadataOfFile(source, named.url);
        this.noteBeginning(named.series, source.beginning);
        return ofInstance(dataSet, named);
      } catch (error) {
        if (!(error instanceof DicomUnreadable)) throw error;
        noteHandled('unreadable header', error);
        return this.fromArchive(instance, named);
      }
    };
    try {
      return await this.slots.run(header, signal, instance.reader);
    } catch (error) {
      if (error instanceof NotInArchive) return await this.missing(instance);
      throw error;
    }
  }

  private noteBeginning(series: string, bytes: number): void {
    if (this.beginnings.size >= SERIES_REMEMBERED) this.beginnings.clear();
    this.beginnings.set(series, Math.max(bytes, FIRST_WINDOW));
  }

  private async fromArchive({ orthancId, reader }: FoundInstance, named: Named): Promise<JsonDataSet> {
    const { stream } = await this.bytes.instanceMetadata(named, reader);
    return archiveDataSet(await wholeText(METADATA, stream, LONGEST_HEADER), named, orthancId, named.url);
  }

  private async missing({ orthancId }: FoundInstance): Promise<never> {
    if (await this.departures.recheck(orthancId)) throw new UpstreamFailed('file of an instance');
    throw new NotVisible();
  }
}

function ofInstance(dataSet: JsonDataSet, { study, series, instance }: InstanceUids): JsonDataSet {
  const uid = (tag: string) => dataSet[tag]?.Value?.[0];
  if (uid('0020000D') === study && uid('0020000E') === series && uid('00080018') === instance) return dataSet;
  throw new DicomUnreadable('identity', 'the header names another instance');
}
