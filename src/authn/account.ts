/** The account of a request. */
export interface Account {
  readonly id: string;
  readonly kind: 'person' | 'machine';
  readonly name: string;
  readonly via: 'token' | 'key' | 'session';
  /** The patient that a person's account is linked to, for the scope `own-patient`. */
  readonly patient: { readonly issuer: string; readonly patientId: string } | undefined;
  /** The institution of all studies that a machine account stores. It takes precedence over the institution in the DICOM header. */
  readonly institution: string | undefined;
  /** The issuer of patient ids in all studies that a machine account stores. It takes precedence over the issuer in the DICOM header. */
  readonly issuer: string | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The account of the request. The guard of `authn` sets it for every route that is not public. */
    account?: Account;
  }
}
