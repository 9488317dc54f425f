import { Inject, Injectable } from '@nestjs/common';
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { NeighbourAway, NotAuthenticated } from '../../problems/errors.js';
import { accountOf } from '../account.lookup.js';
import type { Requester } from '../actor.js';
import { ExternalAccounts, ExternalIdentity } from '../oidc/external.accounts.js';
import { OidcProvider } from '../oidc/oidc.provider.js';
import type { SignIn } from '../sign-in/sign.in.js';

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const SKEW_SECONDS = 30;
/**
 * The header of an access token of the provider. Only keys in the JWKS of the provider are used, so a header that contains or names other
 * keys is rejected.
 */
const Header = z.looseObject({
  kid: z.string().max(256).optional(),
  typ: z
    .string()
    .regex(/^(application\/)?(at\+)?jwt$/i)
    .optional(),
  jku: z.undefined().optional(),
  x5u: z.undefined().optional(),
  jwk: z.undefined().optional(),
  crit: z.undefined().optional(),
});
/** The claims that identify an ID token. An ID token describes a login and must not be used as an access token. */
const IdToken = z.union([
  z.looseObject({ nonce: z.unknown().refine((value) => value !== undefined) }),
  z.looseObject({ at_hash: z.string() }),
]);

/**
 * Verifies access tokens of the OpenID Connect provider. A token must be signed by a key in the JWKS of the provider, and its audience must
 * be this service.
 */
@Injectable()
export class ExternalTokens {
  constructor(
    @Inject(ENV) private readonly env: Pick<Env, 'OIDC_AUDIENCE' | 'OIDC_CLIENT_ID'>,
    private readonly provider: OidcProvider,
    private readonly accounts: ExternalAccounts,
  ) {}

  /** Whether the claim `iss` of a token names the provider. This does not verify the token. */
  claims(token: string): boolean {
    try {
      return this.provider.isIssuer(decodeJwt(token).iss);
    } catch {
      return false;
    }
  }

  /**
   * Verifies a token and finds its account. Throws NotAuthenticated for an invalid token, and NeighbourAway when the keys of the provider
   * cannot be read.
   */
  async verify(token: string, requester: Requester): Promise<SignIn> {
    const identity = await this.identify(token);
    const row = await this.accounts.admit(identity, requester, false);
    return { account: accountOf(row, 'token'), ends: { kind: 'account', id: row.id } };
  }

  private async identify(token: string): Promise<ExternalIdentity> {
    const provider = await this.provider.get();
    const audience = this.env.OIDC_AUDIENCE ?? this.env.OIDC_CLIENT_ID;
    if (provider === undefined || audience === undefined) throw new NotAuthenticated();
    if (!Header.safeParse(headerOf(token)).success) throw new NotAuthenticated();
    const { payload } = await jwtVerify(token, provider.keys, {
      issuer: provider.issuer,
      audience,
      algorithms: ALGORITHMS,
      requiredClaims: ['sub', 'iat', 'exp'],
      clockTolerance: SKEW_SECONDS,
    }).catch((error: unknown) => {
      throw isRefusal(error) ? new NotAuthenticated() : new NeighbourAway('oidc', { cause: error });
    });
    const identity = ExternalIdentity.safeParse(payload);
    if (!identity.success || IdToken.safeParse(payload).success) throw new NotAuthenticated();
    if (identity.data.iat > Date.now() / 1000 + SKEW_SECONDS) throw new NotAuthenticated();
    return identity.data;
  }
}

function headerOf(token: string): unknown {
  try {
    return decodeProtectedHeader(token);
  } catch {
    return undefined;
  }
}

/** Whether the error means that the token is invalid. The result is false when the keys could not be read. */
function isRefusal(error: unknown): boolean {
  const isAway =
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKSInvalid ||
    hasCode(error, 'ERR_JOSE_GENERIC');
  return error instanceof errors.JOSEError && !isAway;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof errors.JOSEError && error.code === code;
}
