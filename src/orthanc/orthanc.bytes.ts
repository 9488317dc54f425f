import type { Readable } from 'node:stream';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { z } from 'zod';
import { ENV } from '../config/config.module.js';
import { UpstreamFailed } from '../problems/errors.js';
import { type ArchiveBytes, ArchiveConnection, type ReadOptions } from './orthanc.connection.js';
import { OrthancId } from './orthanc.id.js';
import type { ArchiveAddress } from './orthanc.transport.js';

/** How to render a frame. `width` and `height`: a box in pixels into which it is fitted. `window`: in modality units. */
export interface Picture {
  readonly type: 'image/jpeg' | 'image/png';
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly window?: { readonly center: number; readonly width: number } | undefined;
  /** 1 to 100. */
  readonly quality?: number | undefined;
}

/** The account for which the bytes are read. `signal` ends the waiting for a free slot. */
type Requester = Pick<ReadOptions, 'reader' | 'signal'>;

/** The new identity of a copy of an instance. `undefined` keeps the value. */
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

/** Orthanc's answer to a stored instance. */
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

/** The calls to Orthanc that transfer bytes, a closed list built from typed values. */
@Injectable()
export class OrthancBytes implements OnApplicationShutdown {
  private readonly connection: ArchiveConnection;

  constructor(@Inject(ENV) env: ArchiveAddress) {
    this.connection = new ArchiveConnection(env);
  }

  /** A stored DICOM file (PS3.10). `size`: in bytes, if the catalog knows it. */
  instanceFile(id: OrthancId, size: number | undefined, asker: Requester = {}): Promise<ArchiveBytes> {
    const { reader, signal } = asker;
    return this.connection.read('instance', `/instances/${id}/file`, { expected: size, reader, signal });
  }

  /**
   * The file decoded to Explicit VR Little Endian. Use only its pixels: Orthanc 1.12.7 with GDCM adds, changes and loses other values. Throws
   * `NotInArchive` also when it cannot be decoded. Never request another transfer syntax: the encoders of 1.12.7 crash the process (JPEG-LS
   * always, RLE for odd sizes).
   */
  decodedFile(id: OrthancId, { reader, signal }: Requester): Promise<ArchiveBytes> {
    return this.connection.read('decoding', `/instances/${id}/file?transcode=1.2.840.10008.1.2.1`, {
      computes: 'decoding',
      reader,
      signal,
    });
  }

  /** Renders a frame (counted from 1). Throws `UpstreamFailed` with status 415 when Orthanc cannot render it. */
  picture(
    id: OrthancId,
    frame: number,
    picture: Picture,
    { reader, signal }: Requester,
  ): Promise<ArchiveBytes> {
    const { type, width, height, window, quality } = picture;
    const query = new URLSearchParams();
    if (width !== undefined) query.set('width', String(width));
    if (height !== undefined) query.set('height', String(height));
    if (quality !== undefined) query.set('quality', String(quality));
    if (window !== undefined) {
      query.set('window-center', String(window.center));
      query.set('window-width', String(window.width));
    }
    const path = `/instances/${id}/frames/${frame - 1}/rendered?${query.toString()}`;
    return this.connection.read('picture', path, { accept: type, computes: 'picture', reader, signal });
  }

  /** A stored frame, compressed or not. `frame` counts from 1. `size`: the estimated size in bytes. */
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
   * The bytes `first` to `last` (inclusive, both inside the file) of a stored DICOM file, and the length of the file as `total`. Orthanc
   * before 1.12.5 has no ranges and returns the whole file without a `total`.
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

  /** The document inside an encapsulated PDF. */
  pdf(id: OrthancId, { reader, signal }: Requester): Promise<ArchiveBytes> {
    return this.connection.read('pdf', `/instances/${id}/pdf`, { reader, signal });
  }

  /** The value of an element, not a sequence, as Orthanc reads it. `path` alternates tags `gggg-eeee` and item numbers from 0. */
  element(id: OrthancId, path: readonly (string | number)[], reader: string): Promise<ArchiveBytes> {
    return this.connection.read('value of an instance', `/instances/${id}/content/${path.join('/')}`, {
      valueOnly: true,
      reader,
    });
  }

  /**
   * The DICOM JSON (PS3.18 F) of an instance as Orthanc reads it, an array with one element. UIDs do not identify the patient, so the
   * caller must check the PatientID.
   */
  instanceMetadata({ study, series, instance }: InstanceUids, reader: string): Promise<ArchiveBytes> {
    const path = `/dicom-web/studies/${study}/series/${series}/instances/${instance}/metadata`;
    return this.connection.read('metadata of an instance', path, { reader });
  }

  /** A copy of the instance with another identity, as a file. Orthanc does not store it. */
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
    return this.connection.read('modification', `/instances/${id}/modify`, { json, computes: 'decoding' });
  }

  /** Stores one DICOM file. */
  async storeInstance(body: Readable): Promise<StoredInstance> {
    const parsed = StoredAnswer.safeParse(await this.connection.send('store', '/instances', body));
    if (!parsed.success) throw new UpstreamFailed('store');
    const { ID, ParentStudy, ParentSeries, Status } = parsed.data;
    return { id: ID, study: ParentStudy, series: ParentSeries, status: Status };
  }

  onApplicationShutdown(): Promise<void> {
    return this.connection.close();
  }
}
