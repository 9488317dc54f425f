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
import { NotAcceptable, NotVisible, UpstreamFailed } from '../../problems/errors.js';
import { noteHandled } from '../../problems/handled.errors.js';
import { archiveDataSet, DataSet } from './archive.metadata.js';
import type { ByteRange } from '../http/byte.range.js';
import { LONGEST_HEADER } from '../../dicom/data.set.bytes.js';
import { dataSetText, type JsonDataSet } from '../../dicom/json/dicom.json.js';
import { metadataOfFile } from '../../dicom/json/file.metadata.js';
import { filePart } from './file.part.js';
import { DicomUnreadable } from '../../dicom/dicom.unreadable.js';
import { RecentBytes } from './recent.bytes.js';
import { resourceUrl } from '../http/resource.urls.js';
import { FIRST_WINDOW, StoredBytes } from './stored.bytes.js';

/** Largest number of headers that are read at the same time, in total and for one account. */
const MAX_READS = 16;
const MAX_READS_PER_ACCOUNT = 8;
/** Size of the metadata cache in bytes. This is enough for some thousands of instances. */
const CACHE_BYTES = 32 * 1024 * 1024;
/** Number of instances whose files are looked up with one call to the archive. */
const BATCH = 500;
const MAX_SERIES = 10_000;
/** Largest number of elements and items of a header. They are in memory together. */
const MAX_ELEMENTS = 1_000_000;
const TOO_MANY =
  'The header of an instance has too many elements for metadata. Ask for the file: application/dicom.';
const METADATA = 'metadata of an instance';

/** The UIDs of an instance, and its public URL. */
interface InstanceName extends InstanceUids {
  readonly url: string;
}

/** Maps the Orthanc id of an instance to its file. */
export type FilesOf = ReadonlyMap<OrthancId, ArchivedFile>;

/** Reads the metadata of single instances from their stored files (docs/decisions/0014). */
@Injectable()
export class InstanceMetadata {
  private readonly slots = new Slots({ places: MAX_READS, perAccount: MAX_READS_PER_ACCOUNT });
  private readonly recent = new RecentBytes(CACHE_BYTES);
  /**
   * For each series, the header length of the last instance that was read. Headers of the same series have similar lengths, so the next
   * header can be read with one call.
   */
  private readonly headerLengths = new Map<string, number>();

  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly api: OrthancApi,
    private readonly bytes: OrthancBytes,
    private readonly deletions: DeletionSync,
  ) {}

  /** The current file of each instance. The result leaves out instances that the archive no longer has. */
  async filesOf(instances: readonly FoundInstance[]): Promise<FilesOf> {
    const files = new Map<OrthancId, ArchivedFile>();
    for (let start = 0; start < instances.length; start += BATCH) {
      const batch = instances.slice(start, start + BATCH).map(({ orthancId }) => orthancId);
      for (const [id, file] of await this.api.filesOf(batch, false)) files.set(id, file);
    }
    return files;
  }

  /**
   * The DICOM JSON of an instance as UTF-8 text. It has a Retrieve URL, and public URLs instead of binary values. Throws `NotVisible` when
   * the archive no longer has the instance. Throws `UpstreamFailed` when neither the gateway nor the archive can read the header, or when
   * the UIDs in the header differ from the catalog.
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
    // The key contains the id of the file, because new content with the same UIDs gets a new file id.
    const key = `${file.uuid} ${url}`;
    const cached = this.recent.get(key);
    if (cached !== undefined) return cached;
    const dataSet = await this.read(instance, file, { ...uids, url }, signal ?? instance.signal);
    const text = Buffer.from(dataSetText({ ...dataSet, '00081190': { vr: 'UR', Value: [url] } }));
    this.recent.set(key, text);
    return text;
  }

  /** The DICOM JSON of an instance as a data set. Throws the same errors as {@link textOf}. */
  async dataSetOf(
    study: string,
    instance: FoundInstance,
    files: FilesOf,
    signal?: AbortSignal,
  ): Promise<JsonDataSet> {
    const text = await this.textOf(study, instance, files, signal);
    return DataSet.parse(JSON.parse(text.toString()));
  }

  /**
   * Reads the metadata from the file. If the gateway cannot parse the file, the archive reads the metadata, because the parser of the
   * archive tolerates more faults.
   */
  private async read(
    instance: FoundInstance,
    { size }: ArchivedFile,
    name: InstanceName,
    signal: AbortSignal | undefined,
  ): Promise<JsonDataSet> {
    const ask = (range: ByteRange) => filePart(this.bytes, instance, range);
    const header = async () => {
      try {
        const source = new StoredBytes(ask, size, this.headerLengths.get(name.series));
        const dataSet = await metadataOfFile(source, name.url, MAX_ELEMENTS);
        this.noteHeaderLength(name.series, source.headerLength);
        return ofInstance(dataSet, name);
      } catch (error) {
        if (!(error instanceof DicomUnreadable)) throw error;
        // The archive would need even more memory and time for such a header.
        if (error.reason === 'too-many') throw new NotAcceptable('not-decodable', TOO_MANY);
        noteHandled('unreadable header', error);
        return this.fromArchive(instance, name);
      }
    };
    try {
      return await this.slots.run(header, signal, instance.reader);
    } catch (error) {
      if (error instanceof NotInArchive) return await this.missing(instance);
      throw error;
    }
  }

  private noteHeaderLength(series: string, bytes: number): void {
    if (this.headerLengths.size >= MAX_SERIES) this.headerLengths.clear();
    this.headerLengths.set(series, Math.max(bytes, FIRST_WINDOW));
  }

  private async fromArchive({ orthancId, reader }: FoundInstance, name: InstanceName): Promise<JsonDataSet> {
    const { stream } = await this.bytes.instanceMetadata(name, reader);
    return archiveDataSet(await wholeText(METADATA, stream, LONGEST_HEADER), name, orthancId, name.url);
  }

  private async missing({ orthancId }: FoundInstance): Promise<never> {
    if (await this.deletions.recheck(orthancId)) throw new UpstreamFailed('file of an instance');
    throw new NotVisible();
  }
}

function ofInstance(dataSet: JsonDataSet, { study, series, instance }: InstanceUids): JsonDataSet {
  const uid = (tag: string) => dataSet[tag]?.Value?.[0];
  if (uid('0020000D') === study && uid('0020000E') === series && uid('00080018') === instance) return dataSet;
  throw new DicomUnreadable('identity', 'the header names another instance');
}
