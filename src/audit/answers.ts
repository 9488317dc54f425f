import { Readable } from 'node:stream';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AuditLog } from './audit.log.js';
import { actionOf, type AuditNote } from './audit.note.js';
import { Refusals } from './refusals.js';

const STUDY_UID = /^[0-9.]{1,64}$/;
/** Responses of these paths contain no patient data. */
const UNRECORDED = /^\/(health|metrics|\.well-known)(\/|$)/;

/**
 * Writes the audit rows of responses to authenticated accounts (docs/audit.md). Commits the row before the response is sent. Writes no row
 * if the audit row of a change or the row of a read (`readings.ts`) already records the request.
 */
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
    const { actor, auditedAction } = request;
    if (UNRECORDED.test(request.url) || request.auditCovered === true || auditedAction?.isRecorded === true)
      return payload;
    if (actor === undefined) {
      if (reply.statusCode >= 400) this.refusals.count(request.address);
      return payload;
    }
    // If this write fails, the client gets a 503. The 503 contains no patient data and therefore needs no row.
    request.auditCovered = true;
    try {
      await this.log.append({
        ...actor,
        ...namedStudy(request),
        ...auditedAction?.note,
        ...request.auditNote,
        kind: 'answer',
        action: actionOf(request),
        status: reply.statusCode,
      });
    } catch (error) {
      if (payload instanceof Readable) payload.destroy();
      // The headers that are already set, such as cookies, belong to the response that must not be sent.
      for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name);
      throw error;
    }
    return payload;
  }
}

/** Returns the study UID in the path. The row of a refusal contains this UID even if the study does not exist. */
function namedStudy({ params }: FastifyRequest): AuditNote {
  if (typeof params !== 'object' || params === null || !('study' in params)) return {};
  const { study } = params;
  return typeof study === 'string' && STUDY_UID.test(study) ? { studyUid: study } : {};
}
