import { Readable } from 'node:stream';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AuditLog } from './audit.log.js';
import { actionOf, type AuditNote } from './audit.note.js';
import { Refusals } from './refusals.js';

const STUDY_UID = /^[0-9.]{1,64}$/;
/** Answers of these paths hold no patient data. */
const UNRECORDED = /^\/(health|metrics|\.well-known)(\/|$)/;

/**
 * Writes the audit row of each answer to a known account that no reading or audited change covers, and commits it before the answer leaves
 * (docs/audit.md).
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
    // If this row fails, the 503 that follows holds no patient data and needs no row.
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
      // Totals, cookies and other headers belong to the answer that must not leave.
      for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name);
      throw error;
    }
    return payload;
  }
}

/** The study UID of the path. A refusal is recorded with it, whether the study exists or not. */
function namedStudy({ params }: FastifyRequest): AuditNote {
  if (typeof params !== 'object' || params === null || !('study' in params)) return {};
  const { study } = params;
  return typeof study === 'string' && STUDY_UID.test(study) ? { studyUid: study } : {};
}
