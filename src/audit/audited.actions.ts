import { createParamDecorator, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { NotAuthenticated } from '../problems/errors.js';
import { type Actor, AuditLog, type AuditRow } from './audit.log.js';
import { actionOf, type AuditNote } from './audit.note.js';

/** The facts of a request that asks for a change. */
interface RequestedChange {
  readonly actor: Actor;
  /** Method and route pattern. */
  readonly route: string;
  /** The entity tag in If-Match (RFC 9110 §13.1.1); undefined when the client sets no condition. */
  readonly ifMatch: string | undefined;
  /** The parameters of the path. */
  readonly ids: object;
}

/** A change that an account asks for. Its audit row is written in the transaction of the change. */
export class AuditedAction {
  private facts: AuditNote;
  private recorded = false;

  constructor(private readonly requested: RequestedChange) {
    // The row of a refusal names the resource too.
    this.facts = { detail: { ...requested.ids } };
  }

  get ifMatch(): string | undefined {
    return this.requested.ifMatch;
  }

  /** The account that asks for the change. */
  get accountId(): string {
    return this.requested.actor.accountId;
  }

  /** What the row says about the change so far. */
  get note(): AuditNote {
    return this.facts;
  }

  /** Whether the row is committed: the answer then needs no row of its own. */
  get isRecorded(): boolean {
    return this.recorded;
  }

  /** Adds facts to the row; `detail` is merged member by member. */
  addFacts(note: AuditNote): void {
    this.facts = { ...this.facts, ...note, detail: { ...this.facts.detail, ...note.detail } };
  }

  /** The audit row of the change; `status` is the HTTP status of its answer. */
  row(status: number): AuditRow {
    const { actor, route } = this.requested;
    return { ...actor, ...this.facts, kind: 'answer', action: route, status };
  }

  /** Call it when the row is committed. */
  markRecorded(): void {
    this.recorded = true;
  }
}

/** The change behind a request: `@Audited() action: AuditedAction`. */
export const Audited = createParamDecorator((_: unknown, context: ExecutionContext): AuditedAction => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const { actor, headers, params } = request;
  if (actor === undefined) throw new NotAuthenticated();
  const action = new AuditedAction({
    actor,
    route: actionOf(request),
    ifMatch: headers['if-match'],
    ids: idsOf(params),
  });
  request.auditedAction = action;
  return action;
});

/** Writes a change and its audit row in one transaction, so that a crash leaves both or neither. */
@Injectable()
export class AuditedActions {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly log: AuditLog,
  ) {}

  /** Runs the change; `status` is the HTTP status of its answer. If the row cannot be written, the change is undone (`NeighbourAway`). */
  async record<T>(
    action: AuditedAction,
    status: number | ((result: T) => number),
    change: (transaction: Transaction) => Promise<T>,
  ): Promise<T> {
    const result = await this.database.transaction(async (transaction) => {
      const made = await change(transaction);
      const row = action.row(typeof status === 'number' ? status : status(made));
      await this.log.appendWithin(transaction, row);
      return made;
    });
    action.markRecorded();
    return result;
  }
}

/** The UUIDs among the parameters of a path. Other text names no resource, and PostgreSQL may refuse it (U+0000). */
function idsOf(params: unknown): object {
  if (typeof params !== 'object' || params === null) return {};
  return Object.fromEntries(Object.entries(params).filter(([, id]) => z.uuid().safeParse(id).success));
}
