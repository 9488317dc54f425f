import { Controller, Delete, Get, Header, HttpCode, Param, Query } from '@nestjs/common';
import { Gives, pageOf } from '../http/response.shape.js';
import { Audited, AuditedAction, AuditedActions } from '../audit/audited.actions.js';
import { IdPipe } from '../http/body.pipe.js';
import { Factors } from '../authn/second-factor/factor.bodies.js';
import { OwnFactors } from '../authn/second-factor/own.factors.js';
import { SignInChallenges } from '../authn/second-factor/sign-in.challenges.js';
import { StoredFactors } from '../authn/second-factor/stored.factors.js';
import { OwnSessions, Session, SessionsQuery } from '../authn/sign-in/own.sessions.js';
import { QueryOf } from '../http/query.pipe.js';
import { SignIns } from '../authn/sign-in/sign.ins.js';
import { Requires } from '../authz/authz.guard.js';
import type { Page } from '../http/list.query.js';
import { Conflict } from '../problems/errors.js';
import { Users } from './users.service.js';

/** The sign-ins and second factors of a person, for administrators. */
@Controller('api/users/:user')
@Requires('access:manage')
export class UserSessionsController {
  constructor(
    private readonly users: Users,
    private readonly sessions: OwnSessions,
    private readonly signIns: SignIns,
    private readonly own: OwnFactors,
    private readonly factors: StoredFactors,
    private readonly challenges: SignInChallenges,
    private readonly auditedActions: AuditedActions,
  ) {}

  /** Lists the active sign-ins of a person, newest first, at most two hundred. */
  @Get('sessions')
  @Gives(pageOf(Session))
  async list(
    @Param('user', new IdPipe()) user: string,
    @Query(new QueryOf(SessionsQuery)) query: SessionsQuery,
  ): Promise<Page<Session>> {
    await this.users.get(user);
    return this.sessions.page(user, query);
  }

  /** Ends all sign-ins of a person. The change is effective from the next request. */
  @Delete('sessions')
  @HttpCode(204)
  async endAll(@Audited() action: AuditedAction, @Param('user', new IdPipe()) user: string): Promise<void> {
    await this.users.get(user);
    await this.auditedActions.record(action, 204, (transaction) =>
      this.signIns.endAll(user, undefined, transaction),
    );
  }

  /** Ends one sign-in of a person. Returns 404 when the sign-in belongs to another account or has ended. */
  @Delete('sessions/:id')
  @HttpCode(204)
  async end(
    @Audited() action: AuditedAction,
    @Param('user', new IdPipe()) user: string,
    @Param('id', new IdPipe()) id: string,
  ): Promise<void> {
    await this.users.get(user);
    await this.auditedActions.record(action, 204, (transaction) => this.sessions.end(user, id, transaction));
  }

  /** Lists the second factors of a person, oldest first. */
  @Get('second-factors')
  @Gives(Factors)
  @Header('cache-control', 'no-store')
  async listFactors(@Param('user', new IdPipe()) user: string): Promise<Factors> {
    await this.users.get(user);
    return this.own.list(user);
  }

  /**
   * Removes all second factors and recovery codes of a person, for example after the loss of a phone, and ends all sign-ins of the person.
   * If a group requires a second factor, the next sign-in enrols a new one. Returns 409 for the own account: remove own factors with the
   * password.
   */
  @Delete('second-factors')
  @HttpCode(204)
  async resetFactors(
    @Audited() action: AuditedAction,
    @Param('user', new IdPipe()) user: string,
  ): Promise<void> {
    await this.users.get(user);
    if (user === action.accountId)
      throw new Conflict(
        'own-account',
        'Own second factors cannot be reset. Remove them with POST /api/me/second-factors/{id}/remove.',
      );
    await this.auditedActions.record(action, 204, async (transaction) => {
      await this.challenges.endAll(transaction, user);
      const removed = await this.factors.removeAll(transaction, user);
      await this.signIns.endAll(user, undefined, transaction);
      action.addFacts({ detail: { removed } });
    });
  }
}
