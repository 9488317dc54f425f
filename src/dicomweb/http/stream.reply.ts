import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FoundInstances } from '../../catalog/lookup.service.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import type { OutgoingMultipart } from './multipart.writer.js';

/**
 * The entity tag (RFC 9110 §8.8.3) of a representation: other content under the same UIDs, or another choice of `words`, has another
 * tag. Weak where equal things may be written in other bytes (boundaries between parts).
 */
export function etagOf(
  found: FoundInstances,
  words: readonly unknown[],
  strength: 'weak' | 'strong',
): string {
  const hash = createHash('sha256').update(JSON.stringify(words));
  for (const { orthancId, storedAt } of found.instances) hash.update(`\n${orthancId} ${storedAt.getTime()}`);
  return `${strength === 'weak' ? 'W/' : ''}"${hash.digest('base64url').slice(0, 27)}"`;
}

/** Whether the client holds this representation: `If-None-Match` names its tag, by weak comparison, or is `*`. */
export function isHeld(request: FastifyRequest, etag: string): boolean {
  const given = request.headers['if-none-match'];
  if (given === undefined) return false;
  const opaque = etag.replace(/^W\//, '');
  const tags = given.match(/\*|(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => tag === '*' || tag.replace(/^W\//, '') === opaque);
}

/** 304: what the client holds is still it. */
export function sendUnchanged(reply: FastifyReply, etag: string): FastifyReply {
  return cacheable(reply, etag).status(304).send();
}

/** A body in parts. */
export function sendMultipart(reply: FastifyReply, body: OutgoingMultipart, etag?: string): FastifyReply {
  if (body.length !== undefined) void reply.header('content-length', body.length);
  return cacheable(reply, etag).header('content-type', body.contentType).send(body.stream);
}

/** One body. */
export function sendBytes(
  reply: FastifyReply,
  type: string,
  body: ArchiveBytes,
  etag?: string,
): FastifyReply {
  if (body.length !== undefined) void reply.header('content-length', body.length);
  return cacheable(reply, etag).header('content-type', type).send(body.stream);
}

/** To be kept by the client alone, and asked about each time: rights may have changed. */
export function cacheable(reply: FastifyReply, etag?: string): FastifyReply {
  if (etag !== undefined) void reply.header('etag', etag);
  const vary = reply.getHeader('vary');
  const others = typeof vary === 'string' ? `${vary}, ` : '';
  return reply
    .header('cache-control', 'private, no-cache')
    .header('vary', `${others}Accept, Authorization, Cookie`);
}
