import { createParamDecorator, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { NotAuthenticated } from '../problems/errors.js';
import { actionOf, type AuditNote } from './answers.js';
import { AuditLog, type AuditRow } from './audit.log.js';

/** A change that somebody asks for: who, by which route, to what; its row is written with it. */
export class AuditedAction {
  constructor(private readonly request: FastifyRequest) {
    // Which thing it is about, also when it is refused.
    this.tells({ detail: { ...idsOf(request.params) } });
  }

  /** The entity tag under which the caller knows the thing (RFC 9110 §13.1.1); undefined when any will do. */
  get ifMatch(): string | undefined {
    return this.request.headers['if-match'];
  }

  /** Adds facts to the row, `detail` key by key. */
  tells(note: AuditNote): void {
    const { auditNote } = this.request;
    this.request.auditNote = { ...auditNote, ...note, detail: { ...auditNote?.detail, ...note.detail } };
  }

  /** The account that asks. */
  get accountId(): string {
    return this.actor.accountId;
  }

  /** Its row in the audit, with the status it is going to be answered by. */
  row(status: number): AuditRow {
    const action = actionOf(this.request);
    return { ...this.actor, ...this.request.auditNote, kind: 'answer', action, status };
  }

  /** Says that the row is committed: the answer needs no other. */
  isRecorded(): void {
    this.request.auditCovered = true;
  }

  private get actor() {
    if (this.request.actor === undefined) throw new NotAuthenticated();
    return this.request.actor;
  }
}

/** The change behind a request: `@Asked() deed: Deed`. */
export const Asked = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    new AuditedAction(context.switchToHttp().getRequest<FastifyRequest>()),
);

/** Makes changes and their rows one transaction: neither is ever there without the other, wherever the process is killed. */
@Injectable()
export class AuditedActions {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly log: AuditLog,
  ) {}

  /** Runs the change; `status` is what it is answered by. A row that cannot be written undoes the change (`NeighbourAway`). */
  async record<T>(
    deed: AuditedAction,
    status: number | ((result: T) => number),
    change: (transaction: Transaction) => Promise<T>,
  ): Promise<T> {
    const result = await this.database.transaction(async (transaction) => {
      const made = await change(transaction);
      await this.log.appendWithin(transaction, deed.row(typeof status === 'number' ? status : status(made)));
      return made;
    });
    deed.isRecorded();
    return result;
  }
}

/** The ids of a path; what is none names nothing, and may hold what Postgres cannot (U+0000). */
function idsOf(params: unknown): object {
  if (typeof params !== 'object' || params === null) return {};
  return Object.fromEntries(Object.entries(params).filter(([, id]) => z.uuid().safeParse(id).success));
}
