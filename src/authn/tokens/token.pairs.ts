import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Caller, Requester } from '../actor.js';
import type { Person } from '../sign-in/login.service.js';
import { ACCESS_TOKEN_SECONDS, AccessTokens } from './access.tokens.js';
import { RefreshTokens } from './refresh.tokens.js';

/** An access token and its refresh token (RFC 6749 §5.1). */
export const TokenPair = z.object({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  /** The lifetime of the access token in seconds. */
  expires_in: z.int(),
  refresh_token: z.string(),
});
export type TokenPair = z.output<typeof TokenPair>;

interface Family {
  readonly accountId: string;
  readonly familyId: string;
  readonly patientId: string | undefined;
  readonly refreshToken: string;
}

/** Issues pairs of access token and refresh token. */
@Injectable()
export class TokenPairs {
  constructor(
    private readonly accessTokens: AccessTokens,
    private readonly refreshTokens: RefreshTokens,
  ) {}

  /**
   * Issues the first pair after a sign-in. Throws NotAuthenticated when the account was disabled or its password was changed after the
   * check of the password.
   */
  async start(person: Person, caller: Caller): Promise<TokenPair> {
    const started = await this.refreshTokens.start(person, caller);
    return this.pair({ ...started, accountId: person.id, patientId: person.patientId });
  }

  /**
   * Issues the next pair for a refresh token. Also returns the account of the token. Throws NotAuthenticated for a token that is unknown,
   * expired or was used more than ten seconds ago.
   */
  async refresh(
    refreshToken: string,
    requester: Requester,
  ): Promise<{ readonly pair: TokenPair; readonly account: { readonly id: string; readonly name: string } }> {
    const rotated = await this.refreshTokens.rotate(refreshToken, requester);
    return { pair: await this.pair(rotated), account: { id: rotated.accountId, name: rotated.name } };
  }

  private async pair({ accountId, familyId, patientId, refreshToken }: Family): Promise<TokenPair> {
    return {
      access_token: await this.accessTokens.sign(accountId, familyId, patientId),
      token_type: 'Bearer',
      expires_in: ACCESS_TOKEN_SECONDS,
      refresh_token: refreshToken,
    };
  }
}
