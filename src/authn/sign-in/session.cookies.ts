import '@fastify/cookie';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { csrfTokenOf, type Provenance, refuseForeign, refuseForgery } from './forgery.rules.js';

const SESSION = 'radgate_session';
const CSRF = 'csrf_token';

/** Sets and reads the two cookies of a browser session, and checks requests against forgery. */
@Injectable()
export class SessionCookies {
  private readonly options: { path: string; sameSite: 'strict'; secure: boolean };
  private readonly origin: string;

  constructor(@Inject(ENV) env: Pick<Env, 'PUBLIC_URL'>) {
    const url = new URL(env.PUBLIC_URL);
    this.origin = url.origin;
    const secure = url.protocol === 'https:';
    this.options = { path: '/', sameSite: 'strict', secure };
  }

  /** The session token of a request. The value is undefined when the request has no session cookie. */
  read(request: FastifyRequest): string | undefined {
    return request.cookies[SESSION];
  }

  set(reply: FastifyReply, token: string): void {
    void reply.setCookie(SESSION, token, { ...this.options, httpOnly: true });
    void reply.setCookie(CSRF, csrfTokenOf(token), this.options);
  }

  clear(reply: FastifyReply): void {
    void reply.clearCookie(SESSION, { ...this.options, httpOnly: true });
    void reply.clearCookie(CSRF, this.options);
  }

  /** Throws ForgerySuspected if a request with this session token violates the rules of {@link refuseForgery}. */
  refuseForgery(request: FastifyRequest, token: string): void {
    refuseForgery(provenanceOf(request), this.origin, token);
  }

  /** Throws ForgerySuspected when a page of another site requests a session. */
  refuseForeign(request: FastifyRequest): void {
    refuseForeign(provenanceOf(request), this.origin);
  }
}

function provenanceOf(request: FastifyRequest): Provenance {
  const header = (name: string) => {
    const value = request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  };
  return {
    method: request.method,
    path: request.url.split('?', 1)[0] ?? '',
    origin: header('origin'),
    fetchSite: header('sec-fetch-site'),
    csrfHeader: header('x-csrf-token'),
    csrfCookie: request.cookies[CSRF],
  };
}
