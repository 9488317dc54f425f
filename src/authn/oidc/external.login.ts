import { Inject, Injectable } from '@nestjs/common';
import * as oidc from 'openid-client';
import { z } from 'zod';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { NotAuthenticated, NotVisible } from '../../problems/errors.js';
import { SealedBox } from '../../secrets/sealed.box.js';
import { ExternalIdentity } from './external.accounts.js';
import { OidcProvider, type Provider } from './oidc.provider.js';

export const OIDC_PATH = '/api/auth/oidc';
/** The time limit for signing in at the provider. */
export const EXTERNAL_LOGIN_MINUTES = 10;
const PURPOSE = 'external login';

/** The state of a login. During the login at the provider, the browser keeps this state in a cookie. The cookie is encrypted. */
const Journey = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  next: z.string(),
  until: z.number(),
});
type Journey = z.infer<typeof Journey>;

/** The page to open after signing in. It must be a path of this service, and not a URL of another host. */
const Next = z
  .string()
  .max(2048)
  .regex(/^\/(?![/\\])[^\p{Cc}\\]*$/u)
  .catch('/viewer/');

/** Login at an OpenID Connect provider, by authorization code with PKCE, state and nonce (OpenID Connect Core §3.1, RFC 7636). */
@Injectable()
export class ExternalLogin {
  constructor(
    @Inject(ENV) private readonly env: Pick<Env, 'PUBLIC_URL' | 'OIDC_SCOPES'>,
    private readonly provider: OidcProvider,
    private readonly box: SealedBox,
  ) {}

  /**
   * Checks that the provider is usable. Throws NotVisible when external login is off, and NeighbourAway when the provider does not answer.
   */
  async demandProvider(): Promise<void> {
    await this.provided();
  }

  /**
   * Begins a login. Returns the URL of the provider to which the browser must be redirected. Also returns the encrypted state of the login,
   * for a cookie. Throws NotVisible when external login is off.
   */
  async begin(next: unknown): Promise<{ readonly address: URL; readonly sealed: string }> {
    const { configuration } = await this.provided();
    const journey: Journey = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      verifier: oidc.randomPKCECodeVerifier(),
      next: Next.parse(next),
      until: Date.now() + EXTERNAL_LOGIN_MINUTES * 60_000,
    };
    const address = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: `${this.env.PUBLIC_URL}${OIDC_PATH}/callback`,
      scope: this.env.OIDC_SCOPES,
      state: journey.state,
      nonce: journey.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(journey.verifier),
      code_challenge_method: 'S256',
    });
    return {
      address,
      sealed: this.box.seal(PURPOSE, Buffer.from(JSON.stringify(journey))).toString('base64url'),
    };
  }

  /**
   * Ends a login. Returns the identity that the provider confirmed, and the page to open next. `url` is the URL of the callback request.
   * {@link isLoginRefused} says whether an error was caused by the person or the provider.
   */
  async finish(
    url: string,
    sealed: string | undefined,
  ): Promise<{ readonly identity: ExternalIdentity; readonly next: string }> {
    const { configuration } = await this.provided();
    const journey = this.opened(sealed);
    if (journey === undefined) throw new NotAuthenticated();
    const tokens = await oidc.authorizationCodeGrant(configuration, new URL(url, this.env.PUBLIC_URL), {
      expectedState: journey.state,
      expectedNonce: journey.nonce,
      pkceCodeVerifier: journey.verifier,
      idTokenExpected: true,
    });
    const claims = tokens.claims();
    if (claims === undefined) throw new NotAuthenticated();
    // Many providers send groups and names only in the response of the userinfo endpoint.
    const more =
      configuration.serverMetadata().userinfo_endpoint === undefined
        ? {}
        : await oidc.fetchUserInfo(configuration, tokens.access_token, claims.sub);
    return { identity: ExternalIdentity.parse({ ...more, ...claims }), next: journey.next };
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
}

/** Whether the person or the provider, and not this service, caused an error of {@link ExternalLogin.finish}. */
export function isLoginRefused(error: unknown): error is Error {
  return (
    error instanceof NotAuthenticated ||
    error instanceof z.ZodError ||
    error instanceof oidc.AuthorizationResponseError ||
    error instanceof oidc.ResponseBodyError ||
    error instanceof oidc.ClientError ||
    error instanceof oidc.WWWAuthenticateChallengeError
  );
}
