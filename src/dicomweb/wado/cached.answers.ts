import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import type { Offered } from '../../audit/readings.js';
import { CacheUnusable } from '../../cache/cache.folder.js';
import type { CachedFile } from '../../cache/cached.file.js';
import { FileCache } from '../../cache/file.cache.js';
import { RecentBodies } from '../../cache/recent.bodies.js';
import type { FoundInstance, FoundInstances } from '../../catalog/lookup.service.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { type DicomwebAnswer, bodyAnswer } from '../http/dicomweb.answer.js';
import { type ByteRange, outsideBody, partOf } from '../http/byte.range.js';
import type { DicomwebRequest } from '../http/dicomweb.request.js';
import { compressor, TEXT_ENCODINGS, type TextEncoding } from '../http/text.encoding.js';
import type { RecordedRead } from './read.access.js';

/** Bodies up to this length are read into memory. Longer bodies are streamed. */
const MAX_BUFFER = 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;

/** A body that can be cached. */
export interface CacheableBody {
  /** All values that the bytes depend on, except the study and PUBLIC_URL. */
  readonly choices: readonly unknown[];
  readonly etag: string;
  /** What the totals of the audit contain for the body, without the number of bytes. */
  readonly sent: Offered;
  /** The Content-Type of the body. */
  readonly type: (boundary: string) => string;
  /** Whether only the whole body can be sent, and no range of it. */
  readonly isWhole: boolean;
  /** Whether the body is also sent compressed. */
  readonly isText?: boolean;
  /** Makes the body. `stop` aborts when no client waits for the body. It is also the signal of the instances of `read`. */
  readonly make: (read: RecordedRead, boundary: string, stop: AbortSignal) => Promise<Readable>;
}

/** Answers with finished bodies from the cache. The caller has checked the permission and recorded the read. */
@Injectable()
export class CachedAnswers {
  private readonly recent = new RecentBodies();

  constructor(
    @Inject(ENV) private readonly env: Pick<Env, 'PUBLIC_URL' | 'ACCEL_REDIRECT'>,
    private readonly cache: FileCache,
  ) {}

  /**
   * Answers with the body. Makes it first if the cache does not have it. Returns `undefined` if the cache cannot be used. Errors of `make` are
   * thrown unchanged.
   */
  async answer(
    request: DicomwebRequest,
    read: RecordedRead,
    body: CacheableBody,
  ): Promise<DicomwebAnswer | undefined> {
    const used = body.isText === true ? request.textEncoding : undefined;
    const span = this.cache.holds(this.keyOf(read, body, used)) ? 'cache' : 'archive';
    const file = await request.timing.measure(span, () => this.file(read, body, used, request.signal));
    if (file === undefined) return undefined;
    const encoding = {
      ...(used === undefined ? {} : { 'content-encoding': used }),
      ...(body.isText === true ? { vary: 'Accept, Accept-Encoding, Authorization, Cookie' } : {}),
    };
    const answer = await this.sent(request, file, body);
    if (answer === undefined) return undefined;
    if (answer.refusal === undefined) {
      const share = answer.status === 206 ? Number(answer.headers['content-length']) : file.payload;
      read.offered({ ...body.sent, bytes: share });
    }
    return { ...answer, headers: { ...answer.headers, ...encoding } };
  }

  /** Whether the cache has the body, also all compressed forms of a text. */
  isPrepared(found: FoundInstances, body: CacheableBody): boolean {
    return formsOf(body).every((form) => this.cache.holds(this.keyOf(found, body, form)));
  }

  /**
   * Makes the body in advance if the cache does not have it, also the compressed forms of a text. The rights are checked when a client asks
   * for the body. Errors of `make` are thrown unchanged.
   */
  async prepare(read: RecordedRead, body: CacheableBody, signal: AbortSignal): Promise<void> {
    for (const form of formsOf(body))
      if (!this.cache.holds(this.keyOf(read, body, form))) await this.file(read, body, form, signal, true);
  }

  private file(
    read: RecordedRead,
    body: CacheableBody,
    form: TextEncoding | undefined,
    signal: AbortSignal,
    isAhead = false,
  ): Promise<CachedFile | undefined> {
    return form === undefined
      ? this.plain(read, body, signal, isAhead)
      : this.compressed(read, body, form, signal, isAhead);
  }

  private plain(
    read: RecordedRead,
    body: CacheableBody,
    signal: AbortSignal,
    isAhead: boolean,
  ): Promise<CachedFile | undefined> {
    const work = async (boundary: string, stop: AbortSignal) => {
      let payload = 0;
      const [first, ...rest] = read.instances;
      const making: RecordedRead = {
        ...read,
        // Other requests can wait for the same body, so the work does not stop when this client disconnects.
        instances: [{ ...first, signal: stop }, ...rest.map((one) => withSignal(one, stop))],
        offered: ({ bytes = 0 }) => {
          payload += bytes;
        },
      };
      return { stream: await body.make(making, boundary, stop), payload: () => payload };
    };
    return this.cache.provide(this.keyOf(read, body, undefined), work, signal, isAhead);
  }

  private async compressed(
    read: RecordedRead,
    body: CacheableBody,
    encoding: TextEncoding,
    signal: AbortSignal,
    isAhead: boolean,
  ): Promise<CachedFile | undefined> {
    const key = this.keyOf(read, body, encoding);
    const found = await this.cache.find(key);
    if (found !== undefined) return found;
    const plain = await this.plain(read, body, signal, isAhead);
    if (plain === undefined) return undefined;
    const { absolute } = this.cache.pathsOf(plain);
    const work = async () => ({
      stream: Readable.from(compressedFile(absolute, encoding), { objectMode: false }),
      payload: () => plain.payload,
    });
    return this.cache.provide(key, work, signal, isAhead);
  }

  private keyOf({ studyUid }: FoundInstances, { choices }: CacheableBody, form: TextEncoding | undefined) {
    const formed = form === undefined ? choices : [...choices, form];
    return { study: studyUid, choices: [this.env.PUBLIC_URL, ...formed] };
  }

  private async sent(
    request: DicomwebRequest,
    file: CachedFile,
    { etag, type, isWhole }: CacheableBody,
  ): Promise<DicomwebAnswer | undefined> {
    const { absolute, relative } = this.cache.pathsOf(file);
    const whole = bodyAnswer(type(file.boundary), Buffer.alloc(0), etag);
    const ranges = isWhole ? {} : { 'accept-ranges': 'bytes' };
    const part = isWhole ? undefined : partOf(request, etag, file.length);
    if (part === 'unsatisfiable') return outsideBody(file.length);
    const prefix = this.env.ACCEL_REDIRECT;
    if (part === undefined && prefix !== undefined && request.byNginx)
      return {
        ...whole,
        headers: { ...whole.headers, ...ranges, 'x-accel-redirect': `${prefix}/${relative}` },
        body: undefined,
      };
    const range = part ?? { first: 0, last: file.length - 1 };
    const length = range.last + 1 - range.first;
    const bytes = part === undefined ? await this.wholeOf(absolute, length) : await bytesOf(absolute, range);
    if (bytes === undefined) return undefined;
    const contentRange = `bytes ${range.first}-${range.last}/${file.length}`;
    return {
      status: part === undefined ? 200 : 206,
      headers: {
        ...whole.headers,
        ...ranges,
        ...(part === undefined ? {} : { 'content-range': contentRange }),
        'content-length': length,
      },
      body: bytes,
    };
  }

  /** The bytes of a whole file, from memory if they were sent before. */
  private async wholeOf(path: string, length: number): Promise<Readable | Buffer | undefined> {
    const recent = this.recent.use(path);
    if (recent !== undefined) return recent;
    const bytes = await bytesOf(path, { first: 0, last: length - 1 });
    if (Buffer.isBuffer(bytes)) this.recent.add(path, bytes);
    return bytes;
  }
}

/**
 * The bytes of a file. The file stays open until they are read, so the cache can delete it at any time. Returns `undefined` if the cache has
 * deleted it already.
 */
async function bytesOf(path: string, { first, last }: ByteRange): Promise<Readable | Buffer | undefined> {
  const length = last + 1 - first;
  const handle = await open(path).catch(() => undefined);
  if (handle === undefined) return undefined;
  if (length > MAX_BUFFER)
    return handle.createReadStream({ start: first, end: last, highWaterMark: CHUNK_BYTES });
  try {
    const bytes = Buffer.allocUnsafe(length);
    const { bytesRead } = await handle.read(bytes, 0, length, first);
    return bytesRead === length ? bytes : undefined;
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}

function withSignal(instance: FoundInstance, signal: AbortSignal): FoundInstance {
  return { ...instance, signal };
}

/** The forms of a body that are made in advance: as it is, and compressed if it is a text. */
function formsOf({ isText }: CacheableBody): readonly (TextEncoding | undefined)[] {
  return isText === true ? [undefined, ...TEXT_ENCODINGS] : [undefined];
}

async function* compressedFile(path: string, encoding: TextEncoding): AsyncGenerator<Buffer> {
  const compressed = compressor(encoding);
  pipeline(createReadStream(path), compressed, () => undefined);
  try {
    for await (const chunk of compressed) yield Buffer.from(chunk);
  } catch (cause) {
    throw new CacheUnusable('A file of the cache cannot be read.', { cause });
  }
}
