import { Readable } from 'node:stream';
import { type Dispatcher, Pool } from 'undici';
import type { Env } from '../config/env.js';
import { NeighbourAway, UpstreamFailed } from '../problems/errors.js';
import { archiveFailures } from './orthanc.errors.js';

/** Orthanc closes an idle connection after a second. The gateway closes it earlier. */
const KEEP_ALIVE_MS = 700;
const KEEP_ALIVE_THRESHOLD_MS = 200;
const CONNECT_MS = 5_000;
/** Time until the headers of an answer: for storing and decoding, and for reading stored data. */
const WORK_MS = 120_000;
const READ_MS = 20_000;
/** Time limit of a small call. */
const CALL_MS = 10_000;
/** Largest JSON answer: some hundreds of instances, or the instances of some dozens of series. */
const JSON_BYTES = 64 * 1024 * 1024;
const CONNECTION_LOST = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** Address and credentials of Orthanc. */
export type ArchiveAddress = Pick<Env, 'ORTHANC_URL' | 'ORTHANC_USERNAME' | 'ORTHANC_PASSWORD'>;

/** One request to Orthanc. */
export interface ArchiveCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /** A stream is sent chunked, because Orthanc allocates a declared length. Text is JSON. */
  readonly body?: Readable | string | undefined;
  readonly accept?: string | undefined;
  /** Bytes of the resource (RFC 9110 §14.2). */
  readonly range?: string | undefined;
  /** Whether Orthanc has to compute before it answers. */
  readonly computes?: boolean;
}

/** A call exceeded its time limit. */
class TimeLimit extends Error {
  readonly code = 'TIME_LIMIT';
}

/**
 * Sends all requests to Orthanc with the same rules: credentials, time limits for connecting, headers and pauses of the body, early closing
 * of idle connections, limited answers, and one retry after a lost connection. Throws `NeighbourAway`.
 */
export class ArchiveTransport {
  private readonly pool: Pool;
  /** New connections for retries, because other idle connections may be closed too. */
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

  /** Resolves when the headers arrive. `callName` names the call in errors. A streamed body is not sent again. */
  async request(callName: string, call: ArchiveCall, signal?: AbortSignal): Promise<Dispatcher.ResponseData> {
    try {
      return await this.once(this.pool, call, signal).catch((error: unknown) => {
        if (!CONNECTION_LOST.has(codeOf(error)) || call.body instanceof Readable) throw error;
        return this.once(this.fresh, call, signal);
      });
    } catch (error) {
      throw archiveUnavailable(callName, error);
    }
  }

  /** A small call with its whole answer as text. Its time limit is {@link CALL_MS}. */
  async text(callName: string, call: ArchiveCall): Promise<{ status: number; text: string }> {
    // Not AbortSignal.timeout, which holds request and answer in memory until the time is over.
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
    { method, path, body, accept, range, computes: works }: ArchiveCall,
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
        ...(accept === undefined ? {} : { accept }),
        ...(range === undefined ? {} : { range }),
        ...(body instanceof Readable ? { 'content-type': 'application/dicom' } : {}),
        ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}),
      },
    });
  }
}

/** The body of a JSON answer as text. Throws `UpstreamFailed` when it is larger than `atMost` bytes. */
export async function wholeText(callName: string, body: Readable, atMost = JSON_BYTES): Promise<string> {
  return Buffer.concat(await piecesOf(callName, body, atMost)).toString('utf8');
}

/** The pieces of a whole body. They are not concatenated, because a copy doubles the memory. Throws `NeighbourAway` when the body is cut off, `UpstreamFailed` when it is too large. */
export async function piecesOf(callName: string, body: Readable, atMost: number): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of body) {
      if (!Buffer.isBuffer(piece)) continue;
      size += piece.length;
      // Leaving the loop destroys the body and its connection.
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

/** Only the code of the driver's error is kept. */
function archiveUnavailable(callName: string, error: unknown): NeighbourAway {
  archiveFailures.failed += 1;
  return new NeighbourAway('orthanc', { cause: new UpstreamFailed(`${callName}: ${codeOf(error)}`) });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}
