import { Readable } from 'node:stream';
import { type Dispatcher, Pool } from 'undici';
import type { Env } from '../config/env.js';
import { NeighbourAway, UpstreamFailed } from '../problems/errors.js';
import { archiveFailures } from './orthanc.errors.js';

/**
 * Orthanc closes an idle connection after one second. The gateway closes the connection before that, so that no request is sent on a closed
 * connection.
 */
const KEEP_ALIVE_MS = 700;
const KEEP_ALIVE_THRESHOLD_MS = 200;
const CONNECT_MS = 5_000;
/** Time limits until the headers of an answer arrive: `WORK_MS` for storing and modifying, `READ_MS` for reading stored data. */
const WORK_MS = 120_000;
const READ_MS = 20_000;
/** Time limit of a small call. */
const CALL_MS = 10_000;
/**
 * Largest JSON answer in bytes. This is enough for the files of some hundreds of instances, or for the instances of some dozens of series.
 */
const JSON_BYTES = 64 * 1024 * 1024;
const CONNECTION_LOST = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** Address and credentials of Orthanc. */
export type ArchiveAddress = Pick<Env, 'ORTHANC_URL' | 'ORTHANC_USERNAME' | 'ORTHANC_PASSWORD'>;

/** One request to Orthanc. */
export interface ArchiveCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /**
   * A stream is a DICOM file. It is sent with chunked transfer coding, because Orthanc would allocate memory for a declared Content-Length.
   * A string is JSON.
   */
  readonly body?: Readable | string | undefined;
  /** Value of the `Range` header (RFC 9110 §14.2). */
  readonly range?: string | undefined;
  /** Whether the request must not use an idle connection, which Orthanc may have closed. For a body that cannot be sent again. */
  readonly opensConnection?: boolean | undefined;
  /** Whether Orthanc modifies an instance before it answers. */
  readonly computes?: boolean | undefined;
}

/** A call exceeded its time limit. */
class TimeLimit extends Error {
  readonly code = 'TIME_LIMIT';
}

/**
 * Sends all requests to Orthanc with the same rules: credentials; time limits for connecting, for headers and for pauses in the body; early
 * closing of idle connections; a limited answer size; one retry after a lost connection. Throws `NeighbourAway` when Orthanc is
 * unreachable.
 */
export class ArchiveTransport {
  private readonly pool: Pool;
  /** The pool for retries. It opens a new connection for each request, because Orthanc may have closed the other idle connections too. */
  private readonly fresh: Pool;
  private readonly authorization: string;

  constructor(env: ArchiveAddress, connections: number) {
    const limits = { connect: { timeout: CONNECT_MS }, bodyTimeout: READ_MS };
    this.fresh = new Pool(env.ORTHANC_URL, { ...limits, connections, pipelining: 0 });
    this.pool = new Pool(env.ORTHANC_URL, {
      ...limits,
      connections,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveTimeoutThreshold: KEEP_ALIVE_THRESHOLD_MS,
    });
    const credentials = `${env.ORTHANC_USERNAME}:${env.ORTHANC_PASSWORD}`;
    this.authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
  }

  /**
   * Sends a request. Resolves when the headers of the answer arrive. `callName` names the call in errors. A request with a streamed body is
   * not retried.
   */
  async request(callName: string, call: ArchiveCall, signal?: AbortSignal): Promise<Dispatcher.ResponseData> {
    try {
      const pool = call.opensConnection === true ? this.fresh : this.pool;
      return await this.once(pool, call, signal).catch((error: unknown) => {
        if (!CONNECTION_LOST.has(codeOf(error)) || call.body instanceof Readable) throw error;
        return this.once(this.fresh, call, signal);
      });
    } catch (error) {
      throw archiveUnavailable(callName, error);
    }
  }

  /** Makes a small call and returns the whole answer as text. The time limit of the call is {@link CALL_MS}. */
  async text(callName: string, call: ArchiveCall): Promise<{ status: number; text: string }> {
    // `AbortSignal.timeout` is not used, because it keeps request and answer in memory until the time limit.
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(new TimeLimit()), CALL_MS);
    try {
      const answer = await this.request(callName, call, limit.signal);
      return { status: answer.statusCode, text: await wholeText(callName, answer.body) };
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.pool.destroy(), this.fresh.destroy()]);
  }

  private once(
    pool: Pool,
    { method, path, body, range, computes: works }: ArchiveCall,
    signal?: AbortSignal,
  ) {
    return pool.request({
      method,
      path,
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
      headersTimeout: works === true || body instanceof Readable ? WORK_MS : READ_MS,
      headers: {
        authorization: this.authorization,
        ...(range === undefined ? {} : { range }),
        ...(body instanceof Readable ? { 'content-type': 'application/dicom' } : {}),
        ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}),
      },
    });
  }
}

/** Returns the body of a JSON answer as text. Throws `UpstreamFailed` when the body is larger than `atMost` bytes. */
export async function wholeText(callName: string, body: Readable, atMost = JSON_BYTES): Promise<string> {
  return Buffer.concat(await piecesOf(callName, body, atMost)).toString('utf8');
}

/**
 * Returns the whole body in pieces. The pieces are not concatenated, because a copy would double the memory. Throws `NeighbourAway` when
 * the body is cut off, and `UpstreamFailed` when it is too large.
 */
export async function piecesOf(callName: string, body: Readable, atMost: number): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of body) {
      if (!Buffer.isBuffer(piece)) continue;
      size += piece.length;
      // `break` ends the iteration, which destroys the body and closes its connection.
      if (size > atMost) break;
      pieces.push(piece);
    }
  } catch (error) {
    throw archiveUnavailable(callName, error);
  }
  if (size <= atMost) return pieces;
  archiveFailures.failed += 1;
  throw new UpstreamFailed(`${callName} (answer too large)`);
}

/** Converts the error of a failed call to Orthanc. Only the code of the HTTP client's error is kept. */
function archiveUnavailable(callName: string, error: unknown): NeighbourAway {
  archiveFailures.failed += 1;
  return new NeighbourAway('orthanc', { cause: new UpstreamFailed(`${callName}: ${codeOf(error)}`) });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}
