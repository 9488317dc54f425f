import type { FastifyRequest } from 'fastify';
import type { Actor } from './audit.log.js';

/** Facts that a route handler adds to the audit row of its response. */
export interface AuditNote {
  studyUid?: string;
  patientIssuer?: string;
  patientId?: string;
  instances?: number;
  /** The size in bytes of a received body that contains instances. */
  bytes?: number;
  detail?: Readonly<Record<string, unknown>>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The client's address. It is read when the request begins, because a closed socket has no address. */
    address: string;
    /** The account that sends the request. It is set after authentication, by the guard of `authn` or by the sign-in. */
    actor?: Actor;
    /** Facts for the audit row of this response. */
    auditNote?: AuditNote;
    /** The change that the request makes. Set only on routes with a parameter {@link Audited}. */
    auditedAction?: { readonly note: AuditNote; readonly isRecorded: boolean };
    /** Whether this response needs no audit row of its own, for example because a reading (`readings.ts`) covers it. */
    auditCovered?: boolean;
  }
}

/** Returns the method and the route pattern. The path is not used, because the identifiers in the path already have their own columns. */
export function actionOf(request: FastifyRequest): string {
  return `${request.method} ${request.routeOptions.url ?? 'unknown route'}`;
}
