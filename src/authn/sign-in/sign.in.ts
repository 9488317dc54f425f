import type { Account } from '../account.js';

/** How the account of a request signed in. `ends` identifies a row. The sign-in ends when this row is revoked or deleted. */
export interface SignIn {
  readonly account: Account;
  readonly ends: { readonly kind: 'session' | 'family' | 'key' | 'account'; readonly id: string };
  /** The address of the client. It is set only for API keys, because a key can be limited to address ranges. */
  readonly address?: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The sign-in of the request. The guard of `authn` sets it together with `account`. */
    signIn?: SignIn;
  }
}
