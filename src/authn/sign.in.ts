import type { Account } from './account.js';

/** How the account behind a request signed in, and what a logout would end. Machine keys have nothing to end. */
export interface SignIn {
  readonly account: Account;
  readonly ends: { readonly kind: 'session' | 'family'; readonly id: string } | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard of `authn` beside `account`. */
    signIn?: SignIn;
  }
}
