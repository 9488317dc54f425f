import type { FastifyRequest } from 'fastify';
import type { Actor } from './audit.log.js';

/** Facts that a handler adds to the audit row of its answer. */
export interface AuditNote {
  studyUid?: string;
  patientIssuer?: string;
  patientId?: string;
  instances?: number;
  /** Bytes of a received body that holds instances. */
  bytes?: number;
  detail?: Readonly<Record<string, unknown>>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The client's address, read when the request began: a closed socket has none. */
    address: string;
    /** The account that acts, once known; set by the guard of `authn`, or by sign-in. */
    actor?: Actor;
    /** Facts for the row of this answer. */
    auditNote?: AuditNote;
    /** The change that the request asks for, on routes that take one. */
    auditedAction?: { readonly note: AuditNote; readonly isRecorded: boolean };
    /** Whether the rows of a reading cover this answer. */
    auditCovered?: boolean;
  }
}

/** Method and route pattern. The path itself would repeat identifiers, which have columns of their own. */
export function actionOf(request: FastifyRequest): string {
  return `${request.method} ${request.routeOptions.url ?? 'unknown route'}`;
}
