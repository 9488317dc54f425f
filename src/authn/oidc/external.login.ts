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
/** How long a person may stay at the provider. */
export const EXTERNAL_LOGIN_MINUTES = 10;
const PURPOSE = 'external login';

/** The state of a login, which the browser keeps encrypted while it is at the provider. */
const Journey = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  next: z.string(),
  until: z.number(),
});
type Journey = z.infer<typeof Journey>;

/** The page after signing in: a path of this service, not an address elsewhere. */
const Next = z
  .string()
  .max(2048)
  .regex(/^\/(?![/\\])[^\p{Cc}\\]*$/u)
  .catch('/viewer/');

/** Login at an OpenID Connect provider: authorization code with PKCE, state and nonce (OpenID Connect Core §3.1, RFC 7636). */
@Injectable()
export class ExternalLogin {
  constructor(
    @Inject(ENV) private readonly env: Pick<Env, 'PUBLIC_URL' | 'OIDC_SCOPES'>,
    private readonly provider: OidcProvider,
    private readonly box: SealedBox,
  ) {}

  /** NotVisible when external login is off, NeighbourAway when the provider does not answer. */
  async demandProvider(): Promise<void> {
    await this.provided();
  }

  /** The provider's address to send the browser to, and what the browser must keep meanwhile. NotVisible when external login is off. */
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
   * The identity that the provider confirmed, and the page to open next. `url` is the URL of the callback. {@link isLoginRefused} says
   * whether a fault is the person's or the provider's.
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
    // Many providers give groups and names by userinfo only.
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

/** Whether the person or the provider caused the fault, not this service. */
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
