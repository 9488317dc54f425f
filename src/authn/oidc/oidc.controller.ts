import { Controller, Get, Header, Inject, Logger, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { Gives, GivesAs } from '../../http/response.shape.js';
import { Public } from '../access.decorators.js';
import { actorOf, requesterOf } from '../actor.js';
import { SessionCookies } from '../sign-in/session.cookies.js';
import { SignIns } from '../sign-in/sign.ins.js';
import { ExternalAccounts } from './external.accounts.js';
import { EXTERNAL_LOGIN_MINUTES, ExternalLogin, isLoginRefused, OIDC_PATH } from './external.login.js';

const COOKIE = 'radgate_oidc';

const Methods = z.object({ external: z.object({ name: z.string(), url: z.string() }).nullable() });

@Controller('api/auth')
@Public()
export class OidcController {
  private readonly logger = new Logger('authn');

  constructor(
    @Inject(ENV) private readonly env: Pick<Env, 'PUBLIC_URL' | 'OIDC_NAME' | 'OIDC_ISSUER'>,
    private readonly externalLogin: ExternalLogin,
    private readonly accounts: ExternalAccounts,
    private readonly signIns: SignIns,
    private readonly cookies: SessionCookies,
  ) {}

  /**
   * Lists the ways to sign in besides name and password. `external` has the name of the OpenID Connect provider and the address to open. It
   * is null without a provider.
   */
  @Get('methods')
  @Gives(Methods)
  methods(): z.output<typeof Methods> {
    const { OIDC_ISSUER, OIDC_NAME } = this.env;
    return { external: OIDC_ISSUER === undefined ? null : { name: OIDC_NAME, url: `${OIDC_PATH}/login` } };
  }

  /**
   * Redirects the browser to the provider (302). `next` is the page to open after the login, as a path of this service. Returns 404 when
   * external login is off.
   */
  @Get('oidc/login')
  @GivesAs({}, 302)
  @Header('cache-control', 'no-store')
  async login(@Query('next') next: unknown, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const { address, sealed } = await this.externalLogin.begin(next);
    // SameSite=Lax is needed, because a page of the provider starts the callback request.
    void reply.setCookie(COOKIE, sealed, { ...this.cookie(), maxAge: EXTERNAL_LOGIN_MINUTES * 60 });
    return reply.redirect(address.href, 302);
  }

  /**
   * Ends the login at the provider, which redirects the browser to this route. Opens a session and redirects to `next`, or to the sign-in
   * page with `failed=external`. Returns 404 when external login is off.
   */
  @Get('oidc/callback')
  @GivesAs({}, 303)
  @Header('cache-control', 'no-store')
  async callback(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    await this.externalLogin.demandProvider();
    void reply.clearCookie(COOKIE, this.cookie());
    try {
      const { identity, next } = await this.externalLogin.finish(request.url, request.cookies[COOKIE]);
      const requester = requesterOf(request);
      const account = await this.accounts.admit(identity, requester, true);
      request.actor = actorOf(request, { ...account, via: 'external login' });
      const { address, client } = requester;
      const proof = { id: account.id, passwordHash: undefined, by: 'external' } as const;
      this.cookies.set(reply, await this.signIns.openSession(proof, { address, client }));
      return await reply.redirect(next, 303);
    } catch (error) {
      if (!isLoginRefused(error)) throw error;
      this.logger.warn({ event: 'external login refused', why: error.name, request_id: request.id });
      return reply.redirect('/login?failed=external', 303);
    }
  }

  private cookie() {
    const secure = this.env.PUBLIC_URL.startsWith('https:');
    return { path: OIDC_PATH, sameSite: 'lax', httpOnly: true, secure } as const;
  }
}
