import { Readable } from 'node:stream';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Actor, AuditLog } from './audit.log.js';
import { Refusals } from './refusals.js';

/** What a handler adds to the row of its answer. */
export interface AuditNote {
  studyUid?: string;
  patientIssuer?: string;
  patientId?: string;
  instances?: number;
  /** Received: of a body that holds instances. */
  bytes?: number;
  detail?: Readonly<Record<string, unknown>>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Where it came from, noted while it began: a client that has left since has no address any more. */
    address: string;
    /** Who acts, once known; set by the guard of `authn`, or by sign-in. */
    actor?: Actor;
    /** Facts for the row of this answer. */
    auditNote?: AuditNote;
    /** The answer is covered by a reading's rows already. */
    auditCovered?: boolean;
  }
}

const STUDY_UID = /^[0-9.]{1,64}$/;
/** Carry no patient data and ask for none. */
const UNRECORDED = /^\/(health|metrics|\.well-known)(\/|$)/;

/** Every other answer of a known account has a row of its own, committed before the answer leaves (design.md, decision 8). */
@Injectable()
export class Answers implements OnModuleInit {
  constructor(
    private readonly adapter: HttpAdapterHost,
    private readonly log: AuditLog,
    private readonly refusals: Refusals,
  ) {}

  onModuleInit(): void {
    const server: FastifyInstance = this.adapter.httpAdapter.getInstance();
    server.addHook('onRequest', (request, _reply, done) => {
      request.address = request.socket.remoteAddress === undefined ? 'unknown' : request.ip;
      done();
    });
    server.addHook('onSend', (request, reply, payload) => this.record(request, reply, payload));
  }

  private async record(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
    if (UNRECORDED.test(request.url) || request.auditCovered === true) return payload;
    const { actor } = request;
    if (actor === undefined) {
      if (reply.statusCode >= 400) this.refusals.count(request.address);
      return payload;
    }
    // Should this row fail, the refusal that follows says nothing of a patient and needs none.
    request.auditCovered = true;
    try {
      await this.log.append({
        ...actor,
        ...namedStudy(request),
        ...request.auditNote,
        kind: 'answer',
        action: actionOf(request),
        status: reply.statusCode,
      });
    } catch (error) {
      if (payload instanceof Readable) payload.destroy();
      // Totals, cookies and the like are of the answer that may not leave.
      for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name);
      throw error;
    }
    return payload;
  }
}

/** A refusal too is about the study of its path, whether there is one or not. */
function namedStudy({ params }: FastifyRequest): AuditNote {
  if (typeof params !== 'object' || params === null || !('study' in params)) return {};
  const { study } = params;
  return typeof study === 'string' && STUDY_UID.test(study) ? { studyUid: study } : {};
}

/** Method and route pattern, not the path: identifiers belong in their own columns. */
export function actionOf(request: FastifyRequest): string {
  return `${request.method} ${request.routeOptions.url ?? 'unknown route'}`;
}
