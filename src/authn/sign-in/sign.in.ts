import type { Account } from '../account.js';

/** How the account of a request signed in. The sign-in ends when the row in `ends` is revoked or deleted. */
export interface SignIn {
  readonly account: Account;
  readonly ends: { readonly kind: 'session' | 'family' | 'key' | 'account'; readonly id: string };
  /** The client's address, for a key that may be limited to address ranges. */
  readonly address?: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard of `authn` beside `account`. */
    signIn?: SignIn;
  }
}
