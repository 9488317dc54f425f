import type { Readable } from 'node:stream';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { z } from 'zod';
import { ENV } from '../config/config.module.js';
import { UpstreamFailed } from '../problems/errors.js';
import { type ArchiveBytes, ArchiveConnection, type ReadOptions } from './orthanc.connection.js';
import { OrthancId } from './orthanc.id.js';
import type { ArchiveAddress } from './orthanc.transport.js';

/** `reader`: the account that reads the bytes. When `signal` aborts, the call stops waiting for a free slot. */
type Requester = Pick<ReadOptions, 'reader' | 'signal'>;

/** The new identifiers of a copy of an instance. If an identifier is `undefined`, the copy keeps the original value. */
export interface NewIdentity {
  readonly patientId: string | undefined;
  readonly issuer: string | undefined;
  readonly uids: InstanceUids | undefined;
}

/** The UIDs of an instance. */
export interface InstanceUids {
  readonly study: string;
  readonly series: string;
  readonly instance: string;
}

/** Orthanc's answer after it stored an instance. */
export interface StoredInstance {
  readonly id: OrthancId;
  readonly study: OrthancId;
  readonly series: OrthancId;
  readonly status: 'Success' | 'AlreadyStored';
}

const Json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue('not JSON');
    return z.NEVER;
  }
});
const StoredAnswer = Json.pipe(
  z.object({
    ID: OrthancId,
    ParentStudy: OrthancId,
    ParentSeries: OrthancId,
    Status: z.enum(['Success', 'AlreadyStored']),
  }),
);

/** The closed list of calls to Orthanc that transfer files or parts of files. Each call builds its path from typed values. */
@Injectable()
export class OrthancBytes implements OnApplicationShutdown {
  private readonly connection: ArchiveConnection;

  constructor(@Inject(ENV) env: ArchiveAddress) {
    this.connection = new ArchiveConnection(env);
  }

  /** A stored DICOM file (PS3.10). `size`: the size of the file in bytes, if the catalog contains it. */
  instanceFile(id: OrthancId, size: number | undefined, asker: Requester = {}): Promise<ArchiveBytes> {
    const { reader, signal } = asker;
    return this.connection.read('instance', `/instances/${id}/file`, { expected: size, reader, signal });
  }

  /** One frame as it is stored, compressed or uncompressed. `frame` counts from 1. `size`: the estimated size in bytes. */
  frame(
    id: OrthancId,
    frame: number,
    size: number | undefined,
    { reader, signal }: Requester,
  ): Promise<ArchiveBytes> {
    return this.connection.read('frame', `/instances/${id}/frames/${frame - 1}/raw`, {
      expected: size,
      reader,
      signal,
    });
  }

  /**
   * The bytes `first` to `last` (inclusive, both inside the file) of a stored DICOM file. `total` is the length of the whole file. Orthanc
   * before 1.12.5 does not support ranges: it returns the whole file, without `total`.
   */
  filePart(
    id: OrthancId,
    { first, last }: { readonly first: number; readonly last: number },
    { reader, signal }: Requester,
  ): Promise<ArchiveBytes> {
    const expected = last - first + 1;
    const range = `bytes=${first}-${last}`;
    return this.connection.read('part of an instance', `/instances/${id}/attachments/dicom/data`, {
      expected,
      reader,
      signal,
      range,
    });
  }

  /**
   * The value of an element that is not a sequence, as Orthanc returns it. `path` alternates between tags (`gggg-eeee`) and item numbers
   * (from 0).
   */
  element(id: OrthancId, path: readonly (string | number)[], reader: string): Promise<ArchiveBytes> {
    return this.connection.read('value of an instance', `/instances/${id}/content/${path.join('/')}`, {
      valueOnly: true,
      reader,
    });
  }

  /**
   * The metadata of an instance in DICOM JSON (PS3.18 F) as Orthanc writes it: an array with one data set. Instances of two patients can
   * have the same UIDs, so the caller must check the PatientID.
   */
  instanceMetadata({ study, series, instance }: InstanceUids, reader: string): Promise<ArchiveBytes> {
    const path = `/dicom-web/studies/${study}/series/${series}/instances/${instance}/metadata`;
    return this.connection.read('metadata of an instance', path, { reader });
  }

  /** A copy of the instance with other identifiers, as a file. Orthanc does not store the copy. */
  modifiedInstance(id: OrthancId, { patientId, issuer, uids }: NewIdentity): Promise<ArchiveBytes> {
    const json = JSON.stringify({
      Force: true,
      Keep: uids === undefined ? ['StudyInstanceUID', 'SeriesInstanceUID', 'SOPInstanceUID'] : [],
      Replace: {
        ...(patientId === undefined ? {} : { PatientID: patientId }),
        ...(issuer === undefined ? {} : { IssuerOfPatientID: issuer }),
        ...(uids === undefined
          ? {}
          : {
              StudyInstanceUID: uids.study,
              SeriesInstanceUID: uids.series,
              SOPInstanceUID: uids.instance,
            }),
      },
    });
    return this.connection.read('modification', `/instances/${id}/modify`, { json, modifies: true });
  }

  /** Stores one DICOM file. `isLastTry`: whether the file cannot be sent again. It is then sent on a new connection. */
  async storeInstance(body: Readable, isLastTry = true): Promise<StoredInstance> {
    const parsed = StoredAnswer.safeParse(await this.connection.send('store', '/instances', body, isLastTry));
    if (!parsed.success) throw new UpstreamFailed('store');
    const { ID, ParentStudy, ParentSeries, Status } = parsed.data;
    return { id: ID, study: ParentStudy, series: ParentSeries, status: Status };
  }

  onApplicationShutdown(): Promise<void> {
    return this.connection.close();
  }
}
