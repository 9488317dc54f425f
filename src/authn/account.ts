/** The account of a request. */
export interface Account {
  readonly id: string;
  readonly kind: 'person' | 'machine';
  readonly name: string;
  readonly via: 'token' | 'key' | 'session';
  /** The patient that a person's account is linked to, for the scope `own-patient`. */
  readonly patient: { readonly issuer: string; readonly patientId: string } | undefined;
  /** The institution of everything that a machine account stores; it takes precedence over the DICOM header. */
  readonly institution: string | undefined;
  /** The issuer of patient ids, likewise. */
  readonly issuer: string | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard of `authn` for every route that is not public. */
    account?: Account;
  }
}
