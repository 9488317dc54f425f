import { createParamDecorator, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { NotAuthenticated } from '../problems/errors.js';
import { type Actor, AuditLog, type AuditRow } from './audit.log.js';
import { actionOf, type AuditNote } from './audit.note.js';

/** The facts about a request for a change. */
interface RequestedChange {
  readonly actor: Actor;
  /** The HTTP method and the route pattern. */
  readonly route: string;
  /** The entity tag in If-Match (RFC 9110 §13.1.1), or `undefined` without this header. */
  readonly ifMatch: string | undefined;
  /** The parameters of the path. */
  readonly ids: object;
}

/** A change that an account requests. The change and its audit row are written in one transaction. */
export class AuditedAction {
  private facts: AuditNote;
  private recorded = false;

  constructor(private readonly requested: RequestedChange) {
    // The parameters of the path are added now, so that the row of a refusal also names the resource.
    this.facts = { detail: { ...requested.ids } };
  }

  get ifMatch(): string | undefined {
    return this.requested.ifMatch;
  }

  /** The account that requests the change. */
  get accountId(): string {
    return this.requested.actor.accountId;
  }

  /** The facts that were added to the row up to now. */
  get note(): AuditNote {
    return this.facts;
  }

  /** Whether the row is committed. The response then needs no further row. */
  get isRecorded(): boolean {
    return this.recorded;
  }

  /** Adds facts to the row. The members of `detail` are added to the members from earlier calls. */
  addFacts(note: AuditNote): void {
    this.facts = { ...this.facts, ...note, detail: { ...this.facts.detail, ...note.detail } };
  }

  /** Returns the audit row of the change. `status` is the HTTP status of the response. */
  row(status: number): AuditRow {
    const { actor, route } = this.requested;
    return { ...actor, ...this.facts, kind: 'answer', action: route, status };
  }

  /** Must be called after the row was committed. */
  markRecorded(): void {
    this.recorded = true;
  }
}

/** Parameter decorator for the change that a request makes: `@Audited() action: AuditedAction`. */
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

/** Writes a change and its audit row in one transaction. After a crash, the database therefore has both or neither. */
@Injectable()
export class AuditedActions {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly log: AuditLog,
  ) {}

  /**
   * Runs the change and writes its audit row with the HTTP status of the response. If the row cannot be written, the change is rolled back,
   * and this method throws `NeighbourAway`.
   */
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

/**
 * Returns the path parameters that are UUIDs. The id of a resource is always a UUID. Other texts are left out, because they can contain
 * U+0000, which PostgreSQL cannot store.
 */
function idsOf(params: unknown): object {
  if (typeof params !== 'object' || params === null) return {};
  return Object.fromEntries(Object.entries(params).filter(([, id]) => z.uuid().safeParse(id).success));
}
