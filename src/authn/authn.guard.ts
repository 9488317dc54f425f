import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { NotAuthenticated } from '../problems/errors.js';
import { ACCESS, type Access, RECENT } from './access.decorators.js';
import { actorOf, requesterOf } from './actor.js';
import { ACCESS_TOKEN, KeysUnreadable } from './tokens/access.token.strategy.js';
import { AccountLookup } from './account.lookup.js';
import { RecentSignIns } from './tokens/recent.sign.ins.js';
import { ExternalTokens } from './tokens/external.tokens.js';
import { API_KEY_PREFIX } from './keys/api.keys.js';
import { SessionCookies } from './sign-in/session.cookies.js';
import type { SignIn } from './sign-in/sign.in.js';

/** Finds the account of a request. If no account is found, rejects the request with 401. Does not check public routes. */
@Injectable()
export class AuthnGuard extends AuthGuard(ACCESS_TOKEN) {
  constructor(
    private readonly reflector: Reflector,
    private readonly lookup: AccountLookup,
    private readonly cookies: SessionCookies,
    private readonly external: ExternalTokens,
    private readonly recent: RecentSignIns,
  ) {
    super();
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (access === 'public') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const mayBeRecent = this.reflector.getAllAndOverride<boolean | undefined>(RECENT, [
      context.getHandler(),
      context.getClass(),
    ]);
    const signIn =
      mayBeRecent === true ? await this.recently(request, context) : await this.identify(request, context);
    request.signIn = signIn;
    request.account = signIn.account;
    request.actor = actorOf(request, signIn.account);
    return true;
  }

  /** The name of the property of the request that Passport sets. */
  override getAuthenticateOptions(): { property: 'signIn' } {
    return { property: 'signIn' };
  }

  /** Handles the result of Passport. An error is thrown unchanged. A rejected token always gives 401, for any reason. */
  override handleRequest<User>(error: unknown, user: User | false | null, info: unknown): User {
    if (error instanceof Error) throw error;
    if (info instanceof KeysUnreadable) throw info;
    if (user === false || user === null) throw new NotAuthenticated();
    return user;
  }

  /** Finds the account in the memory of the gateway, or with {@link identify}. A cookie is checked against forgery in both cases. */
  private async recently(request: FastifyRequest, context: ExecutionContext): Promise<SignIn> {
    const { authorization } = request.headers;
    const cookie = authorization === undefined ? this.cookies.read(request) : undefined;
    const found = this.recent.get(authorization, cookie, request.address);
    if (found === undefined) {
      const keep = this.recent.begin();
      const signIn = await this.identify(request, context);
      keep(authorization, cookie, request.address, signIn);
      return signIn;
    }
    if (cookie !== undefined) this.cookies.refuseForgery(request, cookie);
    return found;
  }

  /** If a request has an Authorization header, the session cookie is ignored, even if the header is invalid. */
  private async identify(request: FastifyRequest, context: ExecutionContext): Promise<SignIn> {
    const { authorization } = request.headers;
    if (authorization === undefined) return this.byCookie(request);
    const [, scheme = '', value = ''] = /^(\S+) +(\S+)$/.exec(authorization) ?? [];
    if (scheme.toLowerCase() === 'basic') return this.byBasic(value, request.address);
    if (scheme.toLowerCase() !== 'bearer') throw new NotAuthenticated();
    if (value.startsWith(API_KEY_PREFIX)) return this.lookup.byKey(value, request.address);
    if (this.external.claims(value)) return this.external.verify(value, requesterOf(request));
    await super.canActivate(context);
    if (request.signIn === undefined) throw new NotAuthenticated();
    return request.signIn;
  }

  /** Finds the account for `Basic <account>:<api key>` (RFC 7617). Some modalities support only Basic. */
  private byBasic(value: string, address: string): Promise<SignIn> {
    const pair = Buffer.from(value, 'base64').toString('utf8');
    const colon = pair.indexOf(':');
    if (colon < 1) throw new NotAuthenticated();
    return this.lookup.byKey(pair.slice(colon + 1), address, pair.slice(0, colon));
  }

  private async byCookie(request: FastifyRequest): Promise<SignIn> {
    const token = this.cookies.read(request);
    if (token === undefined) throw new NotAuthenticated();
    const signIn = await this.lookup.bySession(token);
    this.cookies.refuseForgery(request, token);
    return signIn;
  }
}
