import { Inject, Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-jwt';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { NotAuthenticated } from '../../problems/errors.js';
import { AUDIENCE, Claims, TokenHeader } from './access.tokens.js';
import { AccountLookup } from '../account.lookup.js';
import type { SignIn } from '../sign-in/sign.in.js';
import { SigningKeys } from '../keys/signing.keys.js';

export const ACCESS_TOKEN = 'access-token';

/** The error for signing keys that cannot be read. The client did not cause this error, so the response is not 401. */
export class KeysUnreadable extends Error {}

/**
 * Passport's strategy for `Authorization: Bearer <access token>`. Only keys of {@link SigningKeys} are used. A token is rejected if its
 * header contains a key or the URL of a key.
 */
@Injectable()
export class AccessTokenStrategy extends PassportStrategy(Strategy, ACCESS_TOKEN) {
  constructor(
    @Inject(ENV) env: Pick<Env, 'PUBLIC_URL'>,
    keys: SigningKeys,
    private readonly lookup: AccountLookup,
  ) {
    super({
      jwtFromRequest: (request) => /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? null,
      secretOrKeyProvider: (_request, token: unknown, done) => void provide(keys, token, done),
      algorithms: ['RS256'],
      issuer: env.PUBLIC_URL,
      audience: AUDIENCE,
    });
  }

  /** Passport calls this after the verification of the signature. The method parses the claims, then finds the account. */
  async validate(payload: unknown): Promise<SignIn> {
    const claims = Claims.safeParse(payload);
    if (!claims.success) throw new NotAuthenticated();
    return this.lookup.byFamily(claims.data.accountId, claims.data.familyId);
  }
}

async function provide(
  keys: SigningKeys,
  token: unknown,
  done: (error: unknown, pem?: string) => void,
): Promise<void> {
  let pem: string;
  try {
    pem = await keyFor(keys, token);
  } catch (error) {
    done(error);
    return;
  }
  done(null, pem);
}

async function keyFor(keys: SigningKeys, token: unknown): Promise<string> {
  const header = TokenHeader.safeParse(headerOf(token));
  if (!header.success) throw new NotAuthenticated();
  const pem = await keys.find(header.data.kid).catch((cause: unknown) => {
    throw new KeysUnreadable('The signing keys could not be read.', { cause });
  });
  if (pem === undefined) throw new NotAuthenticated();
  return pem;
}

function headerOf(token: unknown): unknown {
  if (typeof token !== 'string') return undefined;
  try {
    return JSON.parse(Buffer.from(token.split('.', 1)[0] ?? '', 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
