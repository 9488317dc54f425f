import type { IncomingMessage } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { BadRequest, UnsupportedMedia } from '../../problems/errors.js';
import { readParts } from '../http/multipart.reader.js';
import { parseMultipartType } from '../http/multipart.type.js';

/** The body of a STOW request, not yet read. */
export interface UploadedBody {
  readonly contentType: string;
  readonly contentEncoding: string | undefined;
  /** The bytes as they arrive. Throws `BadRequest` when the connection closes before the body is complete. */
  readonly bytes: AsyncIterable<Buffer>;
}

/** A sender that sends nothing for this time is disconnected. This frees the reservations of the sender and the thread of the archive. */
const SILENCE_MS = 60_000;
const DICOM = 'application/dicom';

/** Passes the body of the request to a handler: `@StowBody() body: UploadedBody`. */
export const StowBody = createParamDecorator((_: unknown, context: ExecutionContext): UploadedBody => {
  const { headers, raw } = context.switchToHttp().getRequest<FastifyRequest>();
  return {
    contentType: headers['content-type'] ?? '',
    contentEncoding: headers['content-encoding'],
    bytes: chunksOf(raw),
  };
});

/** The form of a body: a single instance, or a multipart body with one instance in each part. */
export type BodyFormat = { readonly kind: 'single' } | { readonly kind: 'parts'; readonly boundary: string };

/** The format that the headers of a request declare for its body (PS3.18 §10.5.1). Throws `UnsupportedMedia`, `BadRequest`. */
export function formatOf({ contentType, contentEncoding }: UploadedBody): BodyFormat {
  if (contentEncoding !== undefined)
    throw new UnsupportedMedia('unsupported-content-encoding', 'Send the body without a Content-Encoding.');
  if (mediaType(contentType) === DICOM) return { kind: 'single' };
  const multipart = parseMultipartType(contentType);
  if (multipart === undefined && mediaType(contentType) === 'multipart/related')
    throw new BadRequest(
      'malformed-multipart',
      'Malformed Content-Type: multipart/related needs one valid boundary.',
    );
  if (multipart === undefined || (multipart.type ?? DICOM) !== DICOM)
    throw new UnsupportedMedia(
      'unsupported-media-type',
      'Send multipart/related; type="application/dicom", or a single instance as application/dicom.',
    );
  return { kind: 'parts', boundary: multipart.boundary };
}

/** The body of each part in order. Throws `UnsupportedMedia` for a part of another media type, and `MultipartBroken`. */
export async function* partBodies(
  bytes: AsyncIterable<Buffer>,
  boundary: string,
): AsyncGenerator<AsyncIterable<Buffer>> {
  for await (const { headers, body } of readParts(bytes, boundary)) {
    const type = headers.get('content-type');
    if (type !== undefined && mediaType(type) !== DICOM)
      throw new UnsupportedMedia('unsupported-media-type', 'Each part must be application/dicom.');
    yield body;
  }
}

/** Passes bytes on and adds their number to `count`. */
export async function* counting(
  bytes: AsyncIterable<Buffer>,
  count: { bytes: number },
): AsyncGenerator<Buffer> {
  for await (const chunk of bytes) {
    count.bytes += chunk.length;
    yield chunk;
  }
}

function mediaType(contentType: string): string {
  return (contentType.split(';')[0] ?? '').trim().toLowerCase();
}

async function* chunksOf(request: IncomingMessage): AsyncGenerator<Buffer> {
  const chunks = request.iterator({ destroyOnReturn: false });
  for (let next = await nextOf(chunks, request); next.done !== true; next = await nextOf(chunks, request)) {
    if (!Buffer.isBuffer(next.value))
      throw new BadRequest(
        'incomplete-body',
        'The body is not a stream of bytes. Send it as application/dicom or multipart/related.',
      );
    yield next.value;
  }
}

/** Reads the next chunk. An aborted request is an error, and not the end of the body. */
async function nextOf(
  chunks: NodeJS.AsyncIterator<unknown>,
  request: IncomingMessage,
): Promise<IteratorResult<unknown>> {
  const silence = setTimeout(() => request.destroy(), SILENCE_MS);
  try {
    return await chunks.next();
  } catch (cause) {
    throw new BadRequest(
      'incomplete-body',
      'The connection closed before the body was complete. Send the request again.',
      { cause },
    );
  } finally {
    clearTimeout(silence);
  }
}
