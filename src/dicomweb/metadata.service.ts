import { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { Departures } from '../catalog/departures.service.js';
import type { FoundInstance } from '../catalog/lookup.service.js';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { OrthancBytes } from '../orthanc/orthanc.bytes.js';
import type { ArchiveBytes } from '../orthanc/orthanc.connection.js';
import { NotInArchive } from '../orthanc/orthanc.errors.js';
import { NotVisible, UpstreamFailed } from '../problems/errors.js';
import { InstanceMetadata } from './instance.metadata.js';
import { objectsOf } from './json.array.js';
import { isDecoded, isPatient, publishMetadata } from './metadata.js';
import type { Opened } from './retrieval.service.js';

/** Retrieve metadata (PS3.18 §10.4.1.1.2): the archive's own where its UIDs name one thing and it can read the text, else what its files say. */
@Injectable()
export class Metadata {
  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly bytes: OrthancBytes,
    private readonly departures: Departures,
    private readonly byId: InstanceMetadata,
  ) {}

  /** DICOM JSON of all instances as one array; just those the catalog holds, and all of them, or the transfer breaks. */
  async of(opened: Opened): Promise<Readable> {
    const bySeries = Map.groupBy(opened.instances, (instance) => instance.seriesUid);
    const [firstSeries] = bySeries.keys();
    if (firstSeries === undefined) throw new NotVisible();
    const [instance] = opened.instances;
    // Opened before the answer begins, so that an archive that is away is a proper refusal.
    const first = await this.byUids(opened.studyUid, instance, opened.instances.length === 1);
    const text = Readable.from(this.metadataText(opened, bySeries, first), { objectMode: false });
    // A client that left before the first byte: the generator never began, so nothing in it frees the archive.
    text.once('close', () => first?.stream.destroy());
    return text;
  }

  /** The archive's own metadata of a series, or of this instance alone; `undefined` when it holds it and yet gives none: two patients share the UIDs. */
  private async byUids(
    studyUid: string,
    { seriesUid, sopUid, orthancId, reader }: FoundInstance,
    alone: boolean,
  ): Promise<ArchiveBytes | undefined> {
    try {
      return alone
        ? await this.bytes.instanceMetadata(studyUid, seriesUid, sopUid, reader)
        : await this.bytes.seriesMetadata(studyUid, seriesUid, reader);
    } catch (error) {
      if (!(error instanceof NotInArchive)) throw error;
      if (await this.departures.recheck(orthancId)) return undefined;
      throw new NotVisible();
    }
  }

  private async *metadataText(
    opened: Opened,
    bySeries: ReadonlyMap<string, readonly FoundInstance[]>,
    first: ArchiveBytes | undefined,
  ): AsyncGenerator<Buffer> {
    let answer = { of: opened.instances[0].seriesUid, bytes: first };
    let separator = '[';
    for (const [series, instances] of bySeries) {
      const [one] = instances;
      if (one === undefined) continue;
      if (answer.of !== series)
        answer = { of: series, bytes: await this.byUids(opened.studyUid, one, false) };
      for await (const text of this.seriesText(opened, series, instances, answer.bytes)) {
        yield Buffer.from(separator + text);
        separator = ',';
      }
    }
    yield Buffer.from(']');
  }

  /** Each of these instances, once: from the archive's answer by UIDs, and what is not in it, or not to be used, by its own id. */
  private async *seriesText(
    opened: Opened,
    series: string,
    instances: readonly FoundInstance[],
    answer: ArchiveBytes | undefined,
  ): AsyncGenerator<string> {
    const missing = new Map(instances.map((instance) => [instance.sopUid, instance]));
    for await (const text of answer === undefined ? [] : objectsOf(answer.stream)) {
      const metadata = publishMetadata(text, this.env.PUBLIC_URL, opened.studyUid, series);
      // Another patient's under the same UIDs, whose place it may be in the archive but not in the catalog.
      if (!isPatient(metadata, opened.patientId) || !isDecoded(metadata, opened.patientName)) continue;
      if (!missing.delete(metadata.sopUid)) continue;
      opened.offered({ instances: 1, bytes: Buffer.byteLength(metadata.text) });
      yield metadata.text;
    }
    for (const instance of missing.values()) {
      const text = await this.metadataById(instance);
      const metadata = publishMetadata(text, this.env.PUBLIC_URL, opened.studyUid, series);
      opened.offered({ instances: 1, bytes: Buffer.byteLength(metadata.text) });
      yield metadata.text;
    }
  }

  private async metadataById(instance: FoundInstance): Promise<string> {
    try {
      return await this.byId.of(instance);
    } catch (error) {
      if (!(error instanceof NotInArchive)) throw error;
      await this.departures.recheck(instance.orthancId);
      throw new UpstreamFailed('metadata without some instances of a series');
    }
  }
}
