import { createHash } from 'node:crypto';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { map, type Observable } from 'rxjs';
import type { AuditedAction } from '../audit/audited.actions.js';
import { Stale } from '../problems/errors.js';

/** Adds an entity tag (RFC 9110 §8.8.3) to each response with a single resource. A response with a list gets no entity tag. */
@Injectable()
export class EntityTags implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    return next.handle().pipe(
      map((body: unknown) => {
        // A route that adds computed members to a resource sets the tag itself. The tag then covers the resource without these members.
        if (isResource(body) && !reply.hasHeader('etag')) void reply.header('etag', tagOf(body));
        return body;
      }),
    );
  }
}

/** Throws {@link Stale} when If-Match does not contain the entity tag of the resource. `resource` is the resource or its entity tag. */
export function refuseStale({ ifMatch }: AuditedAction, resource: object | string): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  const accepted = ifMatch.split(',').map((tag) => tag.trim());
  // A weak entity tag in If-Match never matches (RFC 9110 §13.1.1).
  if (!accepted.includes(typeof resource === 'string' ? resource : tagOf(resource))) throw new Stale();
}

/** The entity tag of a resource: the hash of its JSON. */
export function tagOf(resource: object): string {
  return `"${createHash('sha256').update(JSON.stringify(resource)).digest('base64url').slice(0, 22)}"`;
}

const IDS = ['id', 'user_id', 'account_id'];

function isResource(body: unknown): body is object {
  return typeof body === 'object' && body !== null && IDS.some((id) => id in body);
}
