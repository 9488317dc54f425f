import { Readable } from 'node:stream';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Pool } from 'undici';
import { z } from 'zod';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { NeighbourAway, UpstreamFailed } from '../problems/errors.js';
import { problemOfStatus } from './orthanc.errors.js';
import { OrthancId } from './orthanc.id.js';
import { Slots, withStallLimit } from './slots.js';

/** Orthanc has 50 threads; some are left for its DICOM side, its own work and the small calls. */
const CONNECTIONS = 40;
/** What is at most this large is taken out of Orthanc at once, so that no slow reader holds one of its threads. */
const AT_ONCE_BYTES = 1024 * 1024;
/** Readers of larger things at one time, and how long one may take nothing. */
const LARGE_READERS = 24;
const STALL_MS = 30_000;
const HEADERS_MS = 60_000;

/** Bytes from the archive: `length` when it said one. Destroying `stream` frees the connection at once. */
export interface ArchiveBytes {
  readonly length: number | undefined;
  readonly stream: Readable;
}

/** What Orthanc says of an instance it was given. */
export interface StoredInstance {
  readonly id: OrthancId;
  readonly study: OrthancId;
  readonly series: OrthancId;
  readonly status: 'Success' | 'AlreadyStored';
}

const StoredAnswer = z.object({
  ID: OrthancId,
  ParentStudy: OrthancId,
  ParentSeries: OrthancId,
  Status: z.enum(['Success', 'AlreadyStored']),
});

/**
 * The calls to Orthanc that carry bytes, a closed list built from typed values. Nothing here holds a body: small things are
 * bounded by {@link AT_ONCE_BYTES}, large ones are streams behind a bounded number of slots.
 */
@Injectable()
export class OrthancBytes implements OnApplicationShutdown {
  private readonly pool: Pool;
  private readonly authorization: string;
  private readonly slots = new Slots(LARGE_READERS);

  constructor(@Inject(ENV) env: Env) {
    // Orthanc closes an idle connection after a second; we close it before.
    this.pool = new Pool(env.ORTHANC_URL, {
      connections: CONNECTIONS,
      keepAliveTimeout: 700,
      keepAliveTimeoutThreshold: 200,
      headersTimeout: HEADERS_MS,
      bodyTimeout: HEADERS_MS,
    });
    const credentials = `${env.ORTHANC_USERNAME}:${env.ORTHANC_PASSWORD}`;
    this.authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
  }

  /** A DICOM file (PS3.10) as it is stored; `size` in bytes as far as the catalog knows it. */
  instanceFile(id: OrthancId, size: number | undefined): Promise<ArchiveBytes> {
    return this.read('instance', `/instances/${id}/file`, size);
  }

  /** One frame as it is stored, compressed or not; `frame` counts from 1, `size` is at most the instance's. */
  frame(id: OrthancId, frame: number, size: number | undefined): Promise<ArchiveBytes> {
    return this.read('frame', `/instances/${id}/frames/${frame - 1}/raw`, size);
  }

  /** The document inside an encapsulated PDF. */
  pdf(id: OrthancId): Promise<ArchiveBytes> {
    return this.read('pdf', `/instances/${id}/pdf`);
  }

  /** The bytes of one element; `path` is made of tags `gggg-eeee` and item numbers from 0. */
  element(id: OrthancId, path: readonly (string | number)[]): Promise<ArchiveBytes> {
    return this.read('bulk data', `/instances/${id}/content/${path.join('/')}`);
  }

  /** The DICOM JSON (PS3.18 F) of all instances of a series, an array; only by UIDs, so its reader must check each item. */
  seriesMetadata(studyUid: string, seriesUid: string): Promise<ArchiveBytes> {
    return this.read('series metadata', `/dicom-web/studies/${studyUid}/series/${seriesUid}/metadata`);
  }

  /** Stores one DICOM file; always chunked, since a length makes Orthanc allocate it. */
  async storeInstance(body: Readable): Promise<StoredInstance> {
    const answer = await this.ask('store', { method: 'POST', path: '/instances', body });
    const text = await answer.body.text().catch((cause: unknown) => {
      throw new NeighbourAway('orthanc', { cause });
    });
    const problem = problemOfStatus('store', answer.statusCode);
    if (problem !== undefined) throw problem;
    const parsed = StoredAnswer.safeParse(JSON.parse(text));
    if (!parsed.success) throw new UpstreamFailed('store');
    const { ID, ParentStudy, ParentSeries, Status } = parsed.data;
    return { id: ID, study: ParentStudy, series: ParentSeries, status: Status };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.destroy();
  }

  /** What is not known to be small waits for a place before Orthanc is asked, so that waiting holds none of its threads. */
  private async read(what: string, path: string, expected?: number): Promise<ArchiveBytes> {
    const small = expected !== undefined && expected <= AT_ONCE_BYTES;
    const release = small ? () => undefined : await this.slots.take();
    try {
      const answer = await this.ask(what, { method: 'GET', path });
      const problem = problemOfStatus(what, answer.statusCode);
      if (problem !== undefined) {
        answer.body.destroy();
        throw problem;
      }
      const declared = answer.headers['content-length'];
      const length = typeof declared === 'string' ? Number(declared) : undefined;
      if (length === undefined || length > AT_ONCE_BYTES) {
        return { length, stream: withStallLimit(answer.body, STALL_MS, release) };
      }
      const bytes = Buffer.from(await answer.body.arrayBuffer());
      if (bytes.length !== length) throw new UpstreamFailed(what);
      release();
      return { length, stream: Readable.from([bytes], { objectMode: false }) };
    } catch (error) {
      release();
      throw error;
    }
  }

  private async ask(what: string, call: { method: 'GET' | 'POST'; path: string; body?: Readable }) {
    try {
      return await this.pool.request({
        ...call,
        headers: {
          authorization: this.authorization,
          ...(call.body === undefined ? {} : { 'content-type': 'application/dicom' }),
        },
      });
    } catch (error) {
      throw new NeighbourAway('orthanc', { cause: new UpstreamFailed(`${what}: ${codeOf(error)}`) });
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}
