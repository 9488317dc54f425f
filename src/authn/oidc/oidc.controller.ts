import { Controller, Get, Header, Inject, Logger, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import * as oidc from 'openid-client';
import { z } from 'zod';
import { Gives, GivesAs } from '../../http/response.shape.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { NotAuthenticated, NotVisible } from '../../problems/errors.js';
import { SealedBox } from '../../secrets/sealed.box.js';
import { Public } from '../access.decorators.js';
import { actorOf, callerOf } from '../actor.js';
import { ExternalAccounts, ExternalIdentity } from './external.accounts.js';
import { OidcProvider, type Provider } from './oidc.provider.js';
import { SessionCookies } from '../sign-in/session.cookies.js';
import { SignIns } from '../sign-in/sign.ins.js';

const PATH = '/api/auth/oidc';
const COOKIE = 'radgate_oidc';
const PURPOSE = 'external login';
const MINUTES = 10;

/** What the browser keeps, sealed, while it is at the provider. */
const Journey = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  next: z.string(),
  until: z.number(),
});
type Journey = z.infer<typeof Journey>;

/** A path of ours; the page after signing in. */
const Next = z
  .string()
  .max(2048)
  .regex(/^\/(?![/\\])[^\p{Cc}\\]*$/u)
  .catch('/viewer/');

const Methods = z.object({ external: z.object({ name: z.string(), url: z.string() }).nullable() });

/** Login at an OpenID Connect provider: authorization code with PKCE, state and nonce (OpenID Connect Core §3.1, RFC 7636). */
@Controller('api/auth')
@Public()
export class OidcController {
  private readonly logger = new Logger('authn');

  constructor(
    @Inject(ENV)
    private readonly env: Pick<Env, 'PUBLIC_URL' | 'OIDC_NAME' | 'OIDC_ISSUER' | 'OIDC_SCOPES'>,
    private readonly provider: OidcProvider,
    private readonly accounts: ExternalAccounts,
    private readonly signIns: SignIns,
    private readonly cookies: SessionCookies,
    private readonly box: SealedBox,
  ) {}

  /** The ways to sign in besides name and password: `external` is the provider's name and where to go, or null. */
  @Get('methods')
  @Gives(Methods)
  methods(): z.output<typeof Methods> {
    const { OIDC_ISSUER, OIDC_NAME } = this.env;
    return { external: OIDC_ISSUER === undefined ? null : { name: OIDC_NAME, url: `${PATH}/login` } };
  }

  /** Sends the browser to the provider (302), to come back to `next`, a path of ours. 404 when not switched on. */
  @Get('oidc/login')
  @GivesAs({}, 302)
  @Header('cache-control', 'no-store')
  async login(@Query('next') next: unknown, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const { configuration } = await this.provided();
    const journey: Journey = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      verifier: oidc.randomPKCECodeVerifier(),
      next: Next.parse(next),
      until: Date.now() + MINUTES * 60_000,
    };
    const address = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: `${this.env.PUBLIC_URL}${PATH}/callback`,
      scope: this.env.OIDC_SCOPES,
      state: journey.state,
      nonce: journey.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(journey.verifier),
      code_challenge_method: 'S256',
    });
    const sealed = this.box.seal(PURPOSE, Buffer.from(JSON.stringify(journey))).toString('base64url');
    // Lax: the way back begins on the provider's page.
    void reply.setCookie(COOKIE, sealed, { ...this.cookie(), maxAge: MINUTES * 60 });
    return reply.redirect(address.href, 302);
  }

  /** The way back: opens a session and goes to the page asked for, else to the sign-in page with `failed=external`. 404 when not switched on. */
  @Get('oidc/callback')
  @GivesAs({}, 303)
  @Header('cache-control', 'no-store')
  async callback(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const provider = await this.provided();
    void reply.clearCookie(COOKIE, this.cookie());
    const journey = this.opened(request.cookies[COOKIE]);
    try {
      if (journey === undefined) throw new NotAuthenticated();
      const identity = await this.identify(provider, request.url, journey);
      const caller = callerOf(request);
      const account = await this.accounts.admit(identity, { ...caller, requestId: request.id }, true);
      request.actor = actorOf(request, { ...account, via: 'external login' });
      const proof = { id: account.id, passwordHash: undefined };
      this.cookies.set(reply, await this.signIns.openSession(proof, caller));
      return await reply.redirect(journey.next, 303);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.logger.warn({ event: 'external login refused', why: error.name, request_id: request.id });
      return reply.redirect('/login?failed=external', 303);
    }
  }

  private async identify(
    { configuration }: Provider,
    url: string,
    journey: Journey,
  ): Promise<ExternalIdentity> {
    const tokens = await oidc.authorizationCodeGrant(configuration, new URL(url, this.env.PUBLIC_URL), {
      expectedState: journey.state,
      expectedNonce: journey.nonce,
      pkceCodeVerifier: journey.verifier,
      idTokenExpected: true,
    });
    const claims = tokens.claims();
    if (claims === undefined) throw new NotAuthenticated();
    // Many providers tell groups and names by userinfo only.
    const more =
      configuration.serverMetadata().userinfo_endpoint === undefined
        ? {}
        : await oidc.fetchUserInfo(configuration, tokens.access_token, claims.sub);
    return ExternalIdentity.parse({ ...more, ...claims });
  }

  private async provided(): Promise<Provider> {
    const provider = await this.provider.get();
    if (provider === undefined) throw new NotVisible();
    return provider;
  }

  private opened(sealed: string | undefined): Journey | undefined {
    try {
      const text = this.box.open(PURPOSE, Buffer.from(sealed ?? '', 'base64url')).toString();
      const journey = Journey.parse(JSON.parse(text));
      return journey.until > Date.now() ? journey : undefined;
    } catch {
      return undefined;
    }
  }

  private cookie() {
    const secure = this.env.PUBLIC_URL.startsWith('https:');
    return { path: PATH, sameSite: 'lax', httpOnly: true, secure } as const;
  }
}

/** What the person or the provider did wrong, as against what failed here. */
function isRefusal(error: unknown): error is Error {
  return (
    error instanceof NotAuthenticated ||
    error instanceof z.ZodError ||
    error instanceof oidc.AuthorizationResponseError ||
    error instanceof oidc.ResponseBodyError ||
    error instanceof oidc.ClientError ||
    error instanceof oidc.WWWAuthenticateChallengeError
  );
}
