import type { Account } from '../account.js';

/** How the account behind a request signed in: `ends` is the row with whose end the sign-in ends. */
export interface SignIn {
  readonly account: Account;
  readonly ends: { readonly kind: 'session' | 'family' | 'key' | 'account'; readonly id: string };
  /** Of a key, which may be used from its ranges only: from where it was. */
  readonly address?: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard of `authn` beside `account`. */
    signIn?: SignIn;
  }
}
