import type { Readable } from 'node:stream';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { z } from 'zod';
import { ENV } from '../config/config.module.js';
import { UpstreamFailed } from '../problems/errors.js';
import { type ArchiveBytes, ArchiveConnection, type ReadOptions } from './orthanc.connection.js';
import { OrthancId } from './orthanc.id.js';
import type { ArchiveAddress } from './orthanc.transport.js';

/** Which picture of a frame: `width` and `height` in pixels are a box it is fitted into, the window is in modality units. */
export interface Picture {
  readonly type: 'image/jpeg' | 'image/png';
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly window?: { readonly center: number; readonly width: number } | undefined;
  /** 1 to 100. */
  readonly quality?: number | undefined;
}

/** For which account bytes are read, and until when: who waits for a place leaves the queue when `signal` aborts. */
type Requester = Pick<ReadOptions, 'reader' | 'signal'>;

/** Which identity a copy of an instance gets; what is not named stays as it is. */
export interface NewIdentity {
  readonly patientId: string | undefined;
  readonly issuer: string | undefined;
  readonly uids: InstanceUids | undefined;
}

/** An instance by its UIDs, as the catalog has them. */
export interface InstanceUids {
  readonly study: string;
  readonly series: string;
  readonly instance: string;
}

/** What Orthanc says of an instance it was given. */
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

/**
 * The calls to Orthanc that carry bytes, a closed list built from typed values.
 */
@Injectable()
export class OrthancBytes implements OnApplicationShutdown {
  private readonly connection: ArchiveConnection;

  constructor(@Inject(ENV) env: ArchiveAddress) {
    this.connection = new ArchiveConnection(env);
  }

  /** A DICOM file (PS3.10) as it is stored; `size` in bytes as far as the catalog knows it. */
  instanceFile(id: OrthancId, size: number | undefined, asker: Requester = {}): Promise<ArchiveBytes> {
    const { reader, signal } = asker;
    return this.connection.read('instance', `/instances/${id}/file`, { expected: size, reader, signal });
  }

  /**
   * The file decoded into Explicit VR Little Endian, for its pixels alone: other values are invented, changed and lost by it (1.12.7 with GDCM). `NotInArchive`
   * also when it cannot be. No other transfer syntax may be asked: the encoders of 1.12.7 end its process (JPEG-LS always, RLE for odd sizes).
   */
  decodedFile(id: OrthancId, { reader, signal }: Requester): Promise<ArchiveBytes> {
    return this.connection.read('decoding', `/instances/${id}/file?transcode=1.2.840.10008.1.2.1`, {
      computes: 'decoding',
      reader,
      signal,
    });
  }

  /** A picture of one frame, counted from 1, in grey or colour; `UpstreamFailed` with 415 when it cannot be made. */
  picture(id: OrthancId, frame: number, picture: Picture, { reader, signal }: Requester): Promise<ArchiveBytes> {
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

  /** One frame as it is stored, compressed or not; `frame` counts from 1, `size` in bytes is about what it may be. */
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
   * The bytes `first` to `last` of a DICOM file as it is stored, both within it, and its length as `total`; the whole file, without a `total`, where the
   * archive knows no ranges (before 1.12.5).
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

  /** The value of one element as the archive reads it, never of a sequence; `path` is made of tags `gggg-eeee` and item numbers from 0 in turn. */
  element(id: OrthancId, path: readonly (string | number)[], reader: string): Promise<ArchiveBytes> {
    return this.connection.read('value of an instance', `/instances/${id}/content/${path.join('/')}`, {
      valueOnly: true,
      reader,
    });
  }

  /** The DICOM JSON (PS3.18 F) of one instance as the archive reads it, an array of one. It is named by UIDs alone: its reader checks whose it is. */
  instanceMetadata({ study, series, instance }: InstanceUids, reader: string): Promise<ArchiveBytes> {
    const path = `/dicom-web/studies/${study}/series/${series}/instances/${instance}/metadata`;
    return this.connection.read('metadata of an instance', path, { reader });
  }

  /** A copy of the instance under another identity, as a file; the archive keeps nothing of it. */
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
