/** Who is behind a request, as every later step sees it. */
export interface Account {
  readonly id: string;
  readonly kind: 'person' | 'machine';
  readonly name: string;
  readonly via: 'token' | 'key' | 'session';
  /** The patient linked to a person's account: the key of scope `own-patient`. */
  readonly patient: { readonly issuer: string; readonly patientId: string } | undefined;
  /** What a machine account says of everything it stores; it wins over the header. */
  readonly institution: string | undefined;
  readonly issuer: string | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard of `authn` for every route that is not public. */
    account?: Account;
  }
}
