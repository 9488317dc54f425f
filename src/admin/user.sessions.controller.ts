import { Controller, Delete, Get, HttpCode, Param, Query } from '@nestjs/common';
import { Gives, pageOf } from '../http/response.shape.js';
import { Audited, AuditedAction, AuditedActions } from '../audit/audited.actions.js';
import { IdPipe } from '../http/body.pipe.js';
import { OwnSessions, Session, SessionsQuery } from '../authn/sign-in/own.sessions.js';
import { QueryOf } from '../http/query.pipe.js';
import { SignIns } from '../authn/sign-in/sign.ins.js';
import { Requires } from '../authz/authz.guard.js';
import type { Page } from '../http/list.query.js';
import { Users } from './users.service.js';

/** The sign-ins of a person, for administrators. */
@Controller('api/users/:user/sessions')
@Requires('access:manage')
export class UserSessionsController {
  constructor(
    private readonly users: Users,
    private readonly sessions: OwnSessions,
    private readonly signIns: SignIns,
    private readonly auditedActions: AuditedActions,
  ) {}

  /** Lists the active sign-ins of a person, newest first, at most two hundred. */
  @Get()
  @Gives(pageOf(Session))
  async list(
    @Param('user', new IdPipe()) user: string,
    @Query(new QueryOf(SessionsQuery)) query: SessionsQuery,
  ): Promise<Page<Session>> {
    await this.users.get(user);
    return this.sessions.page(user, query);
  }

  /** Ends all sign-ins of a person. The change is effective from the next request. */
  @Delete()
  @HttpCode(204)
  async endAll(@Audited() action: AuditedAction, @Param('user', new IdPipe()) user: string): Promise<void> {
    await this.users.get(user);
    await this.auditedActions.record(action, 204, (transaction) =>
      this.signIns.endAll(user, undefined, transaction),
    );
  }

  /** Ends one sign-in of a person. Returns 404 when the sign-in belongs to another account or has ended. */
  @Delete(':id')
  @HttpCode(204)
  async end(
    @Audited() action: AuditedAction,
    @Param('user', new IdPipe()) user: string,
    @Param('id', new IdPipe()) id: string,
  ): Promise<void> {
    await this.users.get(user);
    await this.auditedActions.record(action, 204, (transaction) => this.sessions.end(user, id, transaction));
  }
}
