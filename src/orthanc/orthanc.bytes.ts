import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Pool } from 'undici';
import { z } from 'zod';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { NeighbourAway, UpstreamFailed } from '../problems/errors.js';
import { NotInArchive, problemOfStatus } from './orthanc.errors.js';
import { OrthancId } from './orthanc.id.js';
import { Slots, withStallLimit } from './slots.js';

/** Orthanc has 50 threads; some are left for its DICOM side, its own work and the small calls. */
const CONNECTIONS = 40;
/** What is at most this large is taken out of Orthanc at once, so that no slow reader holds one of its threads. */
const AT_ONCE_BYTES = 1024 * 1024;
/** Readers of larger things at one time, and how long one may take nothing. */
const LARGE_READERS = 24;
const STALL_MS = 30_000;
/** Storing a large instance takes Orthanc a while; what it holds it begins to give soon. */
const STORE_MS = 120_000;
const READ_MS = 20_000;
const BULK = 'bulk data';

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
      headersTimeout: STORE_MS,
      bodyTimeout: READ_MS,
    });
    const credentials = `${env.ORTHANC_USERNAME}:${env.ORTHANC_PASSWORD}`;
    this.authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
  }

  /** A DICOM file (PS3.10) as it is stored; `size` in bytes as far as the catalog knows it. */
  instanceFile(id: OrthancId, size: number | undefined): Promise<ArchiveBytes> {
    return this.read('instance', `/instances/${id}/file`, size);
  }

  /** One frame as it is stored, compressed or not; `frame` counts from 1, `size` in bytes is about what it may be. */
  frame(id: OrthancId, frame: number, size: number | undefined): Promise<ArchiveBytes> {
    return this.read('frame', `/instances/${id}/frames/${frame - 1}/raw`, size);
  }

  /** The document inside an encapsulated PDF. */
  pdf(id: OrthancId): Promise<ArchiveBytes> {
    return this.read('pdf', `/instances/${id}/pdf`);
  }

  /** The bytes of one element, never of a sequence; `path` is made of tags `gggg-eeee` and item numbers from 0. */
  element(id: OrthancId, path: readonly (string | number)[]): Promise<ArchiveBytes> {
    return this.read(BULK, `/instances/${id}/content/${path.join('/')}`);
  }

  /** The DICOM JSON (PS3.18 F) of all instances of a series, an array; only by UIDs, so its reader must check each item. */
  seriesMetadata(studyUid: string, seriesUid: string): Promise<ArchiveBytes> {
    return this.read('series metadata', `/dicom-web/studies/${studyUid}/series/${seriesUid}/metadata`);
  }

  /** The DICOM JSON of one instance, an array of one; by UIDs as {@link seriesMetadata}. */
  instanceMetadata(studyUid: string, seriesUid: string, sopUid: string): Promise<ArchiveBytes> {
    const series = `/dicom-web/studies/${studyUid}/series/${seriesUid}`;
    return this.read('instance metadata', `${series}/instances/${sopUid}/metadata`);
  }

  /** Stores one DICOM file; always chunked, since a length makes Orthanc allocate it. */
  async storeInstance(body: Readable): Promise<StoredInstance> {
    const answer = await this.ask('store', { method: 'POST', path: '/instances', body });
    const text = (await wholeBody('store', answer.body)).toString('utf8');
    const problem = problemOfStatus('store', answer.statusCode);
    if (problem !== undefined) throw problem;
    const parsed = StoredAnswer.safeParse(text);
    if (!parsed.success) throw new UpstreamFailed('store');
    const { ID, ParentStudy, ParentSeries, Status } = parsed.data;
    return { id: ID, study: ParentStudy, series: ParentSeries, status: Status };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.destroy();
  }

  /** What is not known to be small waits for a place before Orthanc is asked, so that waiting holds none of its threads. */
  private async read(what: string, path: string, expected?: number): Promise<ArchiveBytes> {
    if (comesAtOnce(expected)) {
      const answer = await this.open(what, path);
      if (comesAtOnce(answer.length)) return atOnce(what, answer.body, answer.length);
      // Larger than was thought: it waits in line like all that are.
      answer.body.on('error', () => undefined).destroy();
    }
    const release = await this.slots.take();
    try {
      const { length, body } = await this.open(what, path);
      if (!comesAtOnce(length)) return { length, stream: withStallLimit(body, STALL_MS, release) };
      const bytes = await atOnce(what, body, length);
      release();
      return bytes;
    } catch (error) {
      release();
      throw error;
    }
  }

  private async open(what: string, path: string): Promise<{ length: number | undefined; body: Readable }> {
    const call = { method: 'GET', path, headersTimeout: READ_MS } as const;
    // Orthanc closes idle connections when it likes: what was lost with one is asked again.
    const answer = await this.ask(what, call).catch((error: unknown) => {
      if (wasCutOff(error)) return this.ask(what, call);
      throw error;
    });
    const problem = problemOfStatus(what, answer.statusCode) ?? listInstead(what, answer.headers);
    if (problem !== undefined) {
      await answer.body.dump().catch(() => undefined);
      throw problem;
    }
    const declared = answer.headers['content-length'];
    return { length: typeof declared === 'string' ? Number(declared) : undefined, body: answer.body };
  }

  private async ask(
    what: string,
    call: { method: 'GET' | 'POST'; path: string; body?: Readable; headersTimeout?: number },
  ) {
    try {
      return await this.pool.request({
        ...call,
        headers: {
          authorization: this.authorization,
          ...(call.body === undefined ? {} : { 'content-type': 'application/dicom' }),
        },
      });
    } catch (error) {
      throw away(what, error);
    }
  }
}

/** Whether something of this size is taken out of the archive at once, and holds nothing there while its reader is slow. */
export function comesAtOnce(bytes: number | undefined): bytes is number {
  return bytes !== undefined && bytes <= AT_ONCE_BYTES;
}

async function atOnce(what: string, body: Readable, length: number): Promise<ArchiveBytes> {
  const bytes = await wholeBody(what, body);
  if (bytes.length !== length) throw new UpstreamFailed(what);
  return { length, stream: Readable.from([bytes], { objectMode: false }) };
}

/** An archive that cuts a body short is away. */
async function wholeBody(what: string, body: Readable): Promise<Buffer> {
  try {
    return await buffer(body);
  } catch (error) {
    throw away(what, error);
  }
}

/** Orthanc answers a sequence, or encapsulated pixels, with a list of what is below; there is no value then. */
function listInstead(what: string, headers: Readonly<Record<string, unknown>>): NotInArchive | undefined {
  const type = headers['content-type'];
  const isList = typeof type === 'string' && type.startsWith('application/json');
  return isList && what === BULK ? new NotInArchive(what) : undefined;
}

/** The driver's error is named by its code alone. */
function away(what: string, error: unknown): NeighbourAway {
  return new NeighbourAway('orthanc', { cause: new UpstreamFailed(`${what}: ${codeOf(error)}`) });
}

function wasCutOff(error: unknown): boolean {
  const cause = error instanceof NeighbourAway ? error.cause : undefined;
  return cause instanceof UpstreamFailed && /: (UND_ERR_SOCKET|ECONNRESET|EPIPE) failed$/.test(cause.message);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}
