import { createHash } from 'node:crypto';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { map, type Observable } from 'rxjs';
import type { AuditedAction } from '../audit/audited.actions.js';
import { Stale } from '../problems/errors.js';

/** Gives each answer that is one thing its entity tag (RFC 9110 §8.8.3); lists have none. */
@Injectable()
export class EntityTags implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    return next.handle().pipe(
      map((body: unknown) => {
        // What a route adds to a thing is not the thing: it has said its tag itself.
        if (isThing(body) && !reply.hasHeader('etag')) void reply.header('etag', tagOf(body));
        return body;
      }),
    );
  }
}

/** {@link Stale} when the caller knows the thing (or its tag) as something else than it is now. */
export function refuseStale({ ifMatch }: AuditedAction, thing: object | string): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  const known = ifMatch.split(',').map((tag) => tag.trim());
  // A weak tag never matches here (RFC 9110 §13.1.1).
  if (!known.includes(typeof thing === 'string' ? thing : tagOf(thing))) throw new Stale();
}

/** The entity tag of a thing. */
export function tagOf(thing: object): string {
  return `"${createHash('sha256').update(JSON.stringify(thing)).digest('base64url').slice(0, 22)}"`;
}

const IDS = ['id', 'user_id', 'account_id'];

function isThing(body: unknown): body is object {
  return typeof body === 'object' && body !== null && IDS.some((id) => id in body);
}
