import { Inject, Injectable } from '@nestjs/common';
import { SignJWT } from 'jose';
import { z } from 'zod';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { newSecret } from './tokens.hash.js';
import { SigningKeys } from '../keys/signing.keys.js';

export const AUDIENCE = 'radgate';
export const ACCESS_TOKEN_SECONDS = 900;

/**
 * The header of the access tokens of this service (RFC 9068 §2.1). The schema is strict, so a token with `jku`, `x5u`, `jwk` or `crit` is
 * rejected.
 */
export const TokenHeader = z.strictObject({
  alg: z.literal('RS256'),
  typ: z.literal('at+jwt'),
  kid: z.string().max(64),
});

const CLOCK_SKEW_SECONDS = 30;
const seconds = z.number().int().nonnegative();

/**
 * The claims of an access token. `sub` is the id of the account. `jti` consists of the token family, a dot and random characters. A logout
 * can therefore end all access tokens of the family immediately.
 */
export const Claims = z
  .object({
    sub: z.uuid(),
    aud: z.literal(AUDIENCE),
    iat: seconds,
    exp: seconds,
    jti: z.string().regex(/^[0-9a-f-]{36}\.[\w-]{43}$/),
  })
  .refine(({ iat, exp }) => exp > iat && exp - iat <= ACCESS_TOKEN_SECONDS)
  .refine(({ iat }) => iat <= Date.now() / 1000 + CLOCK_SKEW_SECONDS)
  .transform((claims) => ({ accountId: claims.sub, familyId: claims.jti.slice(0, 36) }))
  .refine(({ familyId }) => z.uuid().safeParse(familyId).success);

/** Signs access tokens with RS256 and `typ: at+jwt` (RFC 9068). They are valid for 15 minutes. */
@Injectable()
export class AccessTokens {
  constructor(
    @Inject(ENV) private readonly env: Pick<Env, 'PUBLIC_URL'>,
    private readonly keys: SigningKeys,
  ) {}

  /** Returns an access token for an account. `patientId` becomes the claim `patient_id`. */
  async sign(accountId: string, familyId: string, patientId: string | undefined): Promise<string> {
    const { kid, privateKey } = await this.keys.current();
    const issuedAt = Math.floor(Date.now() / 1000);
    return new SignJWT(patientId === undefined ? {} : { patient_id: patientId })
      .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid })
      .setIssuer(this.env.PUBLIC_URL)
      .setAudience(AUDIENCE)
      .setSubject(accountId)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + ACCESS_TOKEN_SECONDS)
      .setJti(`${familyId}.${newSecret()}`)
      .sign(privateKey);
  }
}
